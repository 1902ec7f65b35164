//! How time goes on.

/// How time goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mode {
    /// It stands still, and only `advance` moves it.
    #[default]
    Frozen,
    /// Like real time.
    Real,
    /// So many times as fast as real time: more than 0, at most [`Mode::FASTEST`].
    Scaled(f64),
}

impl Mode {
    /// The most that time can be scaled by: a day in less than a tenth of a second.
    pub const FASTEST: f64 = 1_000_000.0;

    /// Its name, as the admin API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Real => "real",
            Self::Scaled(_) => "scaled",
        }
    }

    /// How much faster than real time it goes; 0 when it stands still.
    pub fn factor(self) -> f64 {
        match self {
            Self::Frozen => 0.0,
            Self::Real => 1.0,
            Self::Scaled(factor) if factor.is_finite() => factor.clamp(0.0, Self::FASTEST),
            Self::Scaled(_) => 0.0,
        }
    }
}
