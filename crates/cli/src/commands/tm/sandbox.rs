//! identity.TM in the guide of `identkit sandbox`.

use crate::commands::sandbox::Hints;

pub(crate) const HINTS: Hints = Hints {
    variables: &[
        ("IDENTKIT_TM_BASE_URL", "/identity_tm/base_url"),
        ("IDENTKIT_TM_CUSTOMER_ID", "/identity_tm/customer_id"),
        ("IDENTKIT_TM_CUSTOMER_CODE", "/identity_tm/customer_code"),
    ],
    example: "identkit tm status 99921269855041 --extended",
};
