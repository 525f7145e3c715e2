//! Changing messages that were sent.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::api::{Api, json, segment};
use crate::card::Card;
use crate::error::ApiError;
use crate::exchange::Call;

impl Api {
    /// Replaces the card of a message that this app has sent, within 14 days. Both cards must be shared
    /// (`update_multi`), as those of [`Card::v2`] are. The platform accepts five updates per second of a message.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed.
    pub async fn update_card(
        &self,
        message_id: &str,
        card: impl Into<Card>,
    ) -> Result<(), ApiError> {
        let id = segment("message id", message_id)?;
        let content = card.into().into_json().to_string();
        let call = Call::new(Method::PATCH, format!("/open-apis/im/v1/messages/{id}"))
            .json(json(&json!({ "content": content }))?);
        self.exchange(&call).await?.decode()
    }

    /// Adds a reaction to a message, such as `OK` or `THUMBSUP`, and returns its id.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed.
    pub async fn add_reaction(
        &self,
        message_id: &str,
        emoji_type: &str,
    ) -> Result<String, ApiError> {
        #[derive(Deserialize)]
        struct Added {
            reaction_id: String,
        }
        let id = segment("message id", message_id)?;
        let path = format!("/open-apis/im/v1/messages/{id}/reactions");
        let body = json!({"reaction_type": {"emoji_type": emoji_type}});
        let call = Call::new(Method::POST, path).json(json(&body)?);
        let Added { reaction_id } = self.exchange(&call).await?.decode()?;
        Ok(reaction_id)
    }

    /// Recalls a message that this app has sent.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed.
    pub async fn recall(&self, message_id: &str) -> Result<(), ApiError> {
        let id = segment("message id", message_id)?;
        let call = Call::new(Method::DELETE, format!("/open-apis/im/v1/messages/{id}"));
        self.exchange(&call).await?.decode()
    }
}
