//! Configuration shared by the members of a group: the protocol, helpers and sizes.

use std::sync::Arc;

use swimlab_selectors::{Helpers, UniformHelpers, helpers_named};

use crate::protocol::config::Config;
use crate::protocol::config_error::ConfigError;
use crate::protocol::dissemination::GossipTick;
use crate::protocol::health::LocalHealth;
use crate::protocol::memory_pool::MemoryPool;
use crate::protocol::message::{MessageKind, Sizer};

/// Configuration that members share: a valid [`Config`], a choice of helpers, and the sizes of messages.
///
/// ```
/// use std::sync::Arc;
/// use swimlab::protocol::{Config, MemberConfig};
/// use swimlab::wire::PlainSizer;
///
/// let config = MemberConfig::new(Config::lan(), Arc::new(PlainSizer))?;
/// assert_eq!(config.protocol().indirect, 3);
/// # Ok::<(), swimlab::protocol::ConfigError>(())
/// ```
pub struct MemberConfig {
    pub(super) protocol: Config,
    pub(super) helpers: Arc<dyn Helpers>,
    pub(super) sizer: Arc<dyn Sizer>,
    pub(super) pool: Option<Arc<MemoryPool>>,
    /// Answers of the strategies that do not change, so that the hot path does not ask for them.
    pub(super) health: Option<LocalHealth>,
    pub(super) gossip: Option<GossipTick>,
    pub(super) multicasts: bool,
    pub(super) is_buddy: bool,
    /// The bit of each kind of message that carries updates.
    carriers: u16,
}

impl MemberConfig {
    /// This protocol configuration with its own helpers ([`MemberConfig::with_helpers`] sets others): uniform ones where it
    /// names none, or some that need measured distances. The `sizer` must be that of the codec in use: plain or sealed.
    ///
    /// # Errors
    /// If the configuration is not valid: see [`Config::validate`].
    pub fn new(protocol: Config, sizer: Arc<dyn Sizer>) -> Result<Self, ConfigError> {
        protocol.validate()?;
        // Those of the application are as large as a datagram may be.
        let may_carry = |kind: &MessageKind| *kind != MessageKind::Direct && protocol.dissemination.rides_on(*kind);
        let carriers = MessageKind::ALL.into_iter().filter(may_carry);
        Ok(Self {
            health: protocol.prober.local_health(),
            gossip: protocol.dissemination.gossip(),
            multicasts: protocol.dissemination.multicasts(),
            is_buddy: protocol.dissemination.is_buddy(),
            carriers: carriers.fold(0, |bits, kind| bits | 1 << kind.code()),
            helpers: own_helpers(&protocol),
            protocol,
            sizer,
            pool: None,
        })
    }

    /// The same configuration with other helpers.
    #[must_use]
    pub fn with_helpers(self, helpers: Arc<dyn Helpers>) -> Self {
        Self { helpers, ..self }
    }

    /// The same configuration with memory that the members of this process share. What a member sends does not depend on
    /// it, except that its random choices fall on other peers.
    #[must_use]
    pub fn with_pool(self, pool: Arc<MemoryPool>) -> Self {
        Self { pool: Some(pool), ..self }
    }

    /// The protocol configuration.
    pub fn protocol(&self) -> &Config {
        &self.protocol
    }

    /// Whether updates ride on messages of this kind.
    #[inline]
    pub(super) fn rides_on(&self, kind: MessageKind) -> bool {
        self.carriers & 1 << kind.code() != 0
    }
}

fn own_helpers(protocol: &Config) -> Arc<dyn Helpers> {
    let own = protocol.defaults.helpers.and_then(|label| helpers_named(label).ok());
    own.unwrap_or_else(|| Arc::new(UniformHelpers))
}
