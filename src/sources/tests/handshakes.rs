//! What vendors ask before they send.

use super::*;
