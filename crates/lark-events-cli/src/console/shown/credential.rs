//! Secrets and tokens in calls of the API, by the names of their members and parameters.

use crate::console::web::masked::MASK;

/// The endings of names of secrets and tokens.
const ENDINGS: [&str; 9] = [
    "secret",
    "password",
    "access_token",
    "refresh_token",
    "id_token",
    "assertion",
    "ticket",
    "code_verifier",
    "authorization",
];
/// Parts of the paths at which `code` is an authorization code.
const LOGINS: [&str; 3] = ["authen", "oauth", "token"];

/// Whether a member or parameter of this name is a secret or a token, in a call with this path.
pub(super) fn is_credential(path: &str, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let path = || path.split('?').next().unwrap_or_default();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || (name == "code" && LOGINS.iter().any(|part| path().contains(part)))
}

/// A query or a form, with the parameters masked that are credentials by their names.
pub(super) fn without_credentials(path: &str, form: &str) -> String {
    let pairs = form.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_credential(path, &decoded(name)) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A name without percent signs.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [byte, later @ ..] = rest {
        let digits = later.get(..2).filter(|_| *byte == b'%');
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &later[2..] } else { later };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_no_credential() {
        for (query, shown) in [
            ("", ""),
            ("b=c&access_token=t&d", "b=c&access_token=***&d"),
            ("access%5Ftoken=t&%63ode=2", "access%5Ftoken=***&%63ode=2"),
            ("code_verifier=v&%=1&%5=2", "code_verifier=***&%=1&%5=2"),
        ] {
            assert_eq!(without_credentials("/a?token", query), shown);
        }
        let path = "/open-apis/authen/v1/oidc/access_token";
        assert_eq!(without_credentials(path, "%63ode=2"), "%63ode=***");
    }
}
