//! A new cluster of one node: its identity, its tokens, and the first entries of its log.

use std::sync::Arc;

use base::env::{Class, Dir, Env, Rng};
use types::Token;
use uuid::Uuid;

use super::{OpenError, Options};
use crate::log::Log;
use crate::log::format::Header;
use crate::{Boot, Error, Registration, State, Transformation};

/// Makes a cluster of one node.
pub(super) async fn create(
    env: &Env,
    dir: &Arc<dyn Dir>,
    options: &Options,
) -> Result<(Log, State, Uuid), OpenError> {
    let mut rng = env.rng("metadata tokens");
    let host_id = secret_uuid(env);
    let registration = Registration {
        host_id,
        addresses: options.addresses,
        data_center: options.data_center.clone(),
        rack: options.rack.clone(),
        tokens: tokens(&mut rng, options.num_tokens),
        boot: Boot {
            count: 1,
            nonce: random(env),
        },
        version: options.version.clone(),
    };
    let cluster_name = options.cluster_name.clone();
    let entries = vec![
        (
            Transformation::Initialize {
                cluster_id: secret_uuid(env),
                cluster_name,
            },
            uuid(&mut rng),
        ),
        (Transformation::RegisterNode(registration), uuid(&mut rng)),
    ];
    let mut state = State::empty();
    for (transformation, _) in &entries {
        (state, _) = state.apply(transformation).map_err(Error::Refused)?;
    }
    let header = Header {
        salt: rng.next_u64(),
        host_id,
    };
    let dir = dir.clone();
    let log = env
        .blocking(Class::General, move || Log::create(&dir, header, &entries))
        .await?;
    Ok((log, state, host_id))
}

/// This many tokens, ascending: one in each of as many equal parts of the ring, so that no part is large.
fn tokens(rng: &mut Rng, count: usize) -> Vec<Token> {
    let count = count as u64;
    let part = u64::MAX / count.max(1);
    let token = |index: u64| {
        let place = part
            .saturating_mul(index)
            .saturating_add(rng.below(part.max(1)));
        // The smallest number is the ring's minimum, which no key has.
        Token(i64::MIN.wrapping_add_unsigned(place).max(i64::MIN + 1))
    };
    (0..count).map(token).collect()
}

/// A random identity that nobody has to keep secret.
pub(super) fn uuid(rng: &mut Rng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn secret_uuid(env: &Env) -> Uuid {
    let mut bytes = [0; 16];
    env.secret(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A number that no other start has.
pub(super) fn random(env: &Env) -> u64 {
    let mut bytes = [0; 8];
    env.secret(&mut bytes);
    u64::from_le_bytes(bytes)
}
