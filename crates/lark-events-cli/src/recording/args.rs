//! The arguments of a recording, with what the driver has to know of them: whether it masks secrets.

use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::record::RecordArgs;

#[derive(Debug)]
pub(crate) struct RecordingArgs {
    pub(crate) record: RecordArgs,
    pub(crate) with_secrets: bool,
}

impl FromArgMatches for RecordingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self {
            record: RecordArgs::from_arg_matches(matches)?,
            with_secrets: matches.get_flag("with_secrets"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for RecordingArgs {
    fn augment_args(command: Command) -> Command {
        RecordArgs::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        RecordArgs::augment_args_for_update(command)
    }
}
