//! The state that vendors have in a world.

use std::any::Any;
use std::fmt;

/// A vendor's state in a world.
pub trait VendorState: Any + Send + Sync + fmt::Debug {
    /// A copy, for a copy of the world.
    fn copy(&self) -> Box<dyn VendorState>;

    /// Name of its type, to say that no vendor saves it.
    fn type_name(&self) -> &'static str;
}

impl<T: Any + Send + Sync + Clone + fmt::Debug> VendorState for T {
    fn copy(&self) -> Box<dyn VendorState> {
        Box::new(self.clone())
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }
}

impl Clone for Box<dyn VendorState> {
    fn clone(&self) -> Self {
        (**self).copy()
    }
}
