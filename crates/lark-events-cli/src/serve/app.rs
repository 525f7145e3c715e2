//! The app that the platform serves, and the settings that it prints for the app under test.

use std::io;

use lark_events_sim::{APP_ID, APP_SECRET, VERIFICATION_TOKEN};
use serde_json::json;

use super::ServeArgs;
use super::shell::quoted;
use crate::Error;
use crate::output::{FAINT, NAME, Output};
use crate::secrets::given;
use crate::text::Text;

/// The app that the platform serves; the same each time by default, so that the app under test keeps its
/// settings.
pub(super) struct App {
    pub(super) id: String,
    pub(super) secret: Known,
    pub(super) key: Option<Known>,
    pub(super) token: Known,
}

/// A secret. It is printed only if it is the default, which is public.
pub(super) enum Known {
    Default(&'static str),
    Given(String),
}

impl Known {
    fn or(given: Option<String>, default: &'static str) -> Self {
        given.map_or(Self::Default(default), Self::Given)
    }

    pub(super) fn reveal(&self) -> &str {
        match self {
            Self::Default(text) => text,
            Self::Given(text) => text,
        }
    }

    fn shown(&self) -> Option<&'static str> {
        match self {
            Self::Default(text) => Some(text),
            Self::Given(_) => None,
        }
    }
}

impl App {
    pub(super) fn given(args: &ServeArgs) -> Result<Self, Error> {
        let id = given(args.app_id.as_ref(), "--app-id", "LARK_APP_ID")?;
        let secret = given(args.app_secret.as_ref(), "--app-secret", "LARK_APP_SECRET")?;
        Ok(Self {
            id: id.unwrap_or_else(|| APP_ID.to_owned()),
            secret: Known::or(secret, APP_SECRET),
            key: match args.no_key {
                true => None,
                false => Some(Known::or(args.secrets.key()?, "encrypt-key")),
            },
            token: Known::or(args.secrets.token()?, VERIFICATION_TOKEN),
        })
    }

    /// The secrets that were given, which are shown nowhere.
    pub(super) fn given_secrets(&self) -> Vec<String> {
        let all = [Some(&self.secret), self.key.as_ref(), Some(&self.token)];
        let given = all.into_iter().flatten().filter_map(|known| match known {
            Known::Given(text) => Some(text.clone()),
            Known::Default(_) => None,
        });
        given.collect()
    }

    /// Prints the settings for the app under test, as shell assignments.
    pub(super) fn show(&self, base_url: &str, output: Output) -> io::Result<()> {
        let secret = self.secret.shown();
        let key = self.key.as_ref().map_or(Some(""), Known::shown);
        let token = self.token.shown();
        if output.json {
            return output.print_json(&json!({
                "kind": "platform", "base_url": base_url, "app_id": self.id,
                "app_secret": secret, "encrypt_key": key.filter(|key| !key.is_empty()),
                "verification_token": token,
            }));
        }
        for (name, value) in [
            ("LARK_BASE_URL", Some(base_url)),
            ("LARK_APP_ID", Some(self.id.as_str())),
            ("LARK_APP_SECRET", secret),
            ("LARK_ENCRYPT_KEY", key),
            ("LARK_VERIFICATION_TOKEN", token),
        ] {
            match value {
                // An app without a key.
                Some("") => output.print(Text::painted(NAME, format_args!("{name}=")))?,
                Some(value) => {
                    let name = Text::painted(NAME, format_args!("{name}="));
                    output.print(name.then(quoted(value)))?;
                }
                None => output.print(Text::painted(FAINT, format_args!("# {name} (as given)")))?,
            }
        }
        Ok(())
    }
}
