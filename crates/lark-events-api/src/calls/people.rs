//! The bot itself, and users.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::api::{Api, segment};
use crate::error::ApiError;
use crate::exchange::Call;

/// The bot of the app.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct BotInfo {
    /// The name of the app.
    pub app_name: Option<String>,
    /// The bot's open id, by which messages mention it.
    pub open_id: Option<String>,
    /// The URL of the bot's picture.
    pub avatar_url: Option<String>,
    /// The state of the app in the tenant: 2 if it is enabled.
    pub activate_status: Option<i64>,
}

/// A user. Each field is `None` if the app lacks its permission.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct User {
    /// The id that this app knows.
    pub open_id: Option<String>,
    /// The id that all apps of a developer know.
    pub union_id: Option<String>,
    /// The id in the tenant.
    pub user_id: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The English name.
    pub en_name: Option<String>,
    /// The nickname.
    pub nickname: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The job title.
    pub job_title: Option<String>,
    /// The ids of the user's departments.
    pub department_ids: Option<Vec<String>>,
    /// Whether the user has left, and other states. Permission: `contact:user.employee:readonly`.
    pub status: Option<UserStatus>,
}

/// The state of a user's account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UserStatus {
    /// Whether the user is suspended.
    pub is_frozen: Option<bool>,
    /// Whether the user has left. The platform still returns such a user.
    pub is_resigned: Option<bool>,
    /// Whether the user has activated the account.
    pub is_activated: Option<bool>,
    /// Whether the user quit on their own. After some time they count as having left.
    pub is_exited: Option<bool>,
    /// Whether the user has yet to confirm that they join.
    pub is_unjoin: Option<bool>,
}

/// The id of a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Person {
    kind: &'static str,
    id: String,
}

impl Person {
    /// The id that this app knows.
    pub fn open_id(open_id: impl Into<String>) -> Self {
        Self::new("open_id", open_id)
    }

    /// The id that all apps of a developer know.
    pub fn union_id(union_id: impl Into<String>) -> Self {
        Self::new("union_id", union_id)
    }

    /// The id in the tenant.
    pub fn user_id(user_id: impl Into<String>) -> Self {
        Self::new("user_id", user_id)
    }

    fn new(kind: &'static str, id: impl Into<String>) -> Self {
        let id = id.into();
        Self { kind, id }
    }
}

impl Api {
    /// The bot of this app.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed.
    pub async fn bot_info(&self) -> Result<BotInfo, ApiError> {
        #[derive(Deserialize)]
        struct Found {
            bot: BotInfo,
        }
        let call = Call::new(Method::GET, "/open-apis/bot/v3/info");
        let Found { bot } = self.exchange(&call).await?.decode()?;
        Ok(bot)
    }

    /// A user. Permission: `contact:contact.base:readonly`, and others for single fields.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed.
    pub async fn get_user(&self, person: &Person) -> Result<User, ApiError> {
        #[derive(Deserialize)]
        struct Found {
            user: User,
        }
        let id = segment("user id", &person.id)?;
        let kind = person.kind;
        let path = format!("/open-apis/contact/v3/users/{id}?user_id_type={kind}");
        let call = Call::new(Method::GET, path);
        let Found { user } = self.exchange(&call).await?.decode()?;
        Ok(user)
    }
}
