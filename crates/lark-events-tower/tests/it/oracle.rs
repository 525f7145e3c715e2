//! The padding oracle: Vaudenay's attack on CBC decrypts a captured message byte by byte if the answer
//! to bad padding differs from other answers. The attack must fail on the service. It must succeed on an
//! opener that leaks, which shows that the attack itself works.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::Full;
use lark_events::error::CipherErrorKind;
use lark_events::{EncryptKey, Webhook, Webhooks};
use lark_events_tower::{EventService, Opener};

use crate::support::{Answered, KEY, TOKEN, post, send, unsigned, watched, webhook};

const BLOCK: usize = 16;
/// Of each byte.
const GUESSES: usize = 256;
/// A round finds one byte; the secret has 32, and some rounds are undecided.
const ROUNDS: usize = 40;

/// With a byte of padding, two blocks.
const SECRET: &[u8] = br#"{"token":"is known to us only"}"#;

/// The captured message: the initialisation vector and the blocks of an encrypted secret.
fn captured() -> Vec<u8> {
    let sealed = EncryptKey::new(KEY).seal(SECRET, *b"0123456789abcdef");
    BASE64.decode(sealed).unwrap()
}

/// The body that a message is posted in.
fn wrapped(message: &[u8]) -> String {
    format!(r#"{{"encrypt":"{}"}}"#, BASE64.encode(message))
}

/// One captured block, with what the cipher alone makes of its last bytes, as far as the attacker knows.
struct Target<'m> {
    before: &'m [u8],
    block: &'m [u8],
    deciphered: Vec<u8>,
}

impl Target<'_> {
    fn padding(&self) -> u8 {
        u8::try_from(self.deciphered.len() + 1).unwrap()
    }

    /// The block behind one that turns its known bytes into all but the first byte of a padding. With
    /// the right guess for the next byte the padding is whole.
    fn forge(&self, round: usize, guess: usize) -> Vec<u8> {
        let padding = self.padding();
        let unknown = BLOCK - usize::from(padding);
        // Varied, as the bytes before may happen to be padding themselves.
        let mut message: Vec<_> = (0..unknown).map(|at| (round * 29 + at * 7) as u8).collect();
        message.push(guess as u8);
        message.extend(self.deciphered.iter().map(|byte| byte ^ padding));
        message.extend(self.block);
        message
    }

    fn learn(&mut self, guess: usize) {
        self.deciphered.insert(0, guess as u8 ^ self.padding());
    }

    /// The last bytes of its plaintext.
    fn plaintext(&self) -> impl Iterator<Item = u8> {
        let before = &self.before[BLOCK - self.deciphered.len()..];
        self.deciphered
            .iter()
            .zip(before)
            .map(|(byte, before)| byte ^ before)
    }
}

/// What an attack came to.
struct Attack {
    requests: usize,
    /// All the different answers that it got.
    answers: Vec<Answered>,
    /// The bytes of the plaintext that it knows.
    learnt: Vec<u8>,
}

/// Attacks each block of a message, always the one of which least is known; what is learnt decides on
/// what is asked next. The attacker need not know what an answer means: of 256 guesses for a byte, one
/// that is answered unlike all the others is the right one. Where no answer differs from another, no rule
/// over answers prefers any guess, and nothing is learnt that was not known before.
async fn attack(message: &[u8], mut oracle: impl AsyncFnMut(&[u8]) -> Answered) -> Attack {
    let blocks: Vec<_> = message.chunks(BLOCK).collect();
    let targets = blocks.array_windows().map(|&[before, block]| Target {
        before,
        block,
        deciphered: Vec::new(),
    });
    let mut targets: Vec<_> = targets.collect();
    let mut attack = Attack {
        requests: 0,
        answers: Vec::new(),
        learnt: Vec::new(),
    };
    for round in 0..ROUNDS {
        let known = |target: &&mut Target<'_>| target.deciphered.len();
        let target = targets.iter_mut().min_by_key(known).unwrap();
        if target.deciphered.len() == BLOCK {
            break;
        }
        // By number of the answer, which guesses got it.
        let mut guesses: Vec<Vec<usize>> = vec![Vec::new(); attack.answers.len()];
        for guess in 0..GUESSES {
            attack.requests += 1;
            let answer = oracle(&target.forge(round, guess)).await;
            let known = attack.answers.iter().position(|known| *known == answer);
            let number = known.unwrap_or_else(|| {
                attack.answers.push(answer);
                guesses.push(Vec::new());
                guesses.len() - 1
            });
            guesses[number].push(guess);
        }
        let odd = guesses.iter().filter(|guesses| guesses.len() == 1);
        if let [guess] = odd.flatten().collect::<Vec<_>>()[..] {
            target.learn(*guess);
        }
    }
    attack.learnt = targets.iter().flat_map(Target::plaintext).collect();
    attack
}

#[tokio::test]
async fn the_attack_decrypts_what_an_opener_leaks() {
    let key = EncryptKey::new(KEY);
    // Decrypts first, and says what went wrong.
    let leaky = async |message: &[u8]| Answered {
        status: match key.open(BASE64.encode(message)) {
            Err(error) if error.kind() == CipherErrorKind::Padding => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNAUTHORIZED,
        },
        headers: HeaderMap::new(),
        body: String::new(),
    };
    let attack = attack(&captured(), leaky).await;
    assert_eq!(attack.answers.len(), 2);
    let secret = attack.learnt.strip_suffix(&[1]).unwrap();
    assert_eq!(secret, SECRET, "every byte of it, and the padding");
}

/// Attacks the service with unsigned bodies, and with ones that have the headers of another's signature.
async fn learns_nothing_of<O: Opener>(opener: impl Fn() -> O) {
    let service = EventService::new(opener(), watched().0);
    let unsigned = async |message: &[u8]| send(&service, unsigned(wrapped(message))).await;
    let signed = post("quick_v1");
    let signed = async |message: &[u8]| {
        let body = Full::<Bytes>::from(wrapped(message));
        send(&service, signed.clone().map(|_| body)).await
    };
    for attack in [
        attack(&captured(), unsigned).await,
        attack(&captured(), signed).await,
    ] {
        assert!(attack.requests >= 10_000, "{}", attack.requests);
        let [answer] = &attack.answers[..] else {
            panic!("answers differ: {:?}", attack.answers);
        };
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!((&answer.headers, &*answer.body), (&HeaderMap::new(), ""));
        assert!(attack.learnt.is_empty(), "{:?}", attack.learnt);
    }
}

#[tokio::test(start_paused = true)]
async fn the_attack_learns_nothing_of_the_service() {
    learns_nothing_of(webhook).await;
}

#[tokio::test(start_paused = true)]
async fn the_attack_learns_nothing_of_a_service_for_several_apps() {
    let app = |id: &str, key: &str| {
        let app = Webhook::builder().app_id(id).verification_token(TOKEN);
        app.encrypt_key(key).build().unwrap()
    };
    let apps = || [app("cli_other", "other key"), app("cli_1", KEY)];
    learns_nothing_of(|| Webhooks::by_signature(apps()).unwrap()).await;
}
