//! What the handlers work with.

use numbering::Numbering;

use crate::Settings;

/// Shared by all workers.
pub(crate) struct State {
    pub(crate) numbering: Numbering,
    pub(crate) settings: Settings,
}
