//! The account that a server runs under. The programs of PostgreSQL refuse to run as root.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// In order of preference.
const NAMES: [&str; 2] = ["postgres", "nobody"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// An ordinary account, for a process that runs as root.
    pub(crate) fn ordinary() -> Result<Self, String> {
        let file = "/etc/passwd";
        let accounts = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let mut found = NAMES.iter().filter_map(|name| Self::named(name, &accounts));
        found.next().ok_or_else(|| {
            let names = NAMES.join(" or ");
            format!("servers do not run as root: expected an account {names} in {file}")
        })
    }

    /// From the lines `name:password:uid:gid:…`.
    fn named(name: &str, accounts: &str) -> Option<Self> {
        let mut lines = accounts.lines().map(|line| line.split(':'));
        let mut fields = lines.find_map(|mut fields| (fields.next()? == name).then_some(fields))?;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Self { user, group })
    }

    pub(crate) fn runs(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    pub(crate) fn owns(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.user), Some(self.group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        let postgres = Account {
            user: 101,
            group: 104,
        };
        assert_eq!(Account::named("postgres", accounts), Some(postgres));
        assert_eq!(Account::named("nobody", accounts), None);
    }
}
