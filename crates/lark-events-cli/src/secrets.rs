//! The secrets of an app, from the environment or the command line. They never print.

use std::convert::Infallible;
use std::str::FromStr;
use std::{env, fmt};

use clap::Args;

use crate::Error;

pub(crate) const ENCRYPT_KEY: &str = "LARK_ENCRYPT_KEY";
const VERIFICATION_TOKEN: &str = "LARK_VERIFICATION_TOKEN";

/// The secrets that the developer console shows under "Encryption strategy".
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Secrets (other users can see command lines: prefer the environment)"
)]
pub(crate) struct Secrets {
    #[arg(
        long,
        alias = "encrypt-key",
        value_name = "ENCRYPT_KEY",
        help = "The Encrypt Key, if the app has one [env: LARK_ENCRYPT_KEY]"
    )]
    key: Option<Secret>,
    #[arg(
        long,
        value_name = "VERIFICATION_TOKEN",
        help = "The Verification Token [env: LARK_VERIFICATION_TOKEN]"
    )]
    token: Option<Secret>,
}

impl Secrets {
    /// The Encrypt Key; an empty variable counts as none.
    pub(crate) fn key(&self) -> Result<Option<String>, Error> {
        given(self.key.as_ref(), "--key", ENCRYPT_KEY)
    }

    /// The Verification Token; an empty variable counts as none.
    pub(crate) fn token(&self) -> Result<Option<String>, Error> {
        given(self.token.as_ref(), "--token", VERIFICATION_TOKEN)
    }
}

/// The argument, or else the variable. An empty argument is an error: without it a request would go out
/// unsigned.
pub(crate) fn given(
    argument: Option<&Secret>,
    option: &str,
    variable: &str,
) -> Result<Option<String>, Error> {
    match argument {
        Some(Secret(text)) if text.is_empty() => {
            Err(format!("{option} is empty: pass the secret, or leave the option out").into())
        }
        Some(Secret(text)) => Ok(Some(text.clone())),
        None => match env::var(variable) {
            Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(env::VarError::NotUnicode(_)) => Err(format!("{variable} is not UTF-8").into()),
        },
    }
}

/// Text that never prints, and that `clap`, which quotes invalid values, does not parse.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}
