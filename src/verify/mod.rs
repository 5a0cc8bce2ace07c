//! Checks packages, reports and signatures: every problem, not the first.

// submodules
