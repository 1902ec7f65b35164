//! A status list that is decoded one order at a time.

use std::cell::Cell;

use bytes::Bytes;
use http::StatusCode;
use identkit_core::Error;
use identkit_wire::{Decoded, Operation, Warning, debug_as, json, operation};

use super::get_all_status::{check_list, error_warning, general, has_error, read_list};
use super::{GetAllStatus, GetAllStatusExtended};
use crate::Dialect;
use crate::messages::{General, ListedOrder, OrderList};

/// Any form of `getAllStatus` whose list is not decoded at once. Example: `Unread(GetAllStatusExtended::new(period))`.
///
/// The destructive forms are excluded: the vendor sends their list once, and it would be lost if decoding failed halfway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread<Op>(pub Op);

/// The encoded body of a status list.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UnreadList(Bytes, General);

debug_as!(UnreadList, |list| "UnreadList({} bytes)", list.0.len());

impl UnreadList {
    /// Calls `each` for every order. In addition to the body, only one order is in memory. Returns the same warnings as
    /// the call that decodes the list at once.
    ///
    /// # Errors
    /// [`Kind::Protocol`](identkit_core::Kind::Protocol) if the body is not a list. `each` was then called for the
    /// orders before the error.
    pub fn for_each(&self, mut each: impl FnMut(ListedOrder)) -> Result<Vec<Warning>, Error> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let (mut passed, mut has_id, mut is_whole) = (0, false, true);
        let error = Cell::new(false);
        let read = OrderList::for_each_and_beside(
            &self.0,
            |mut order| {
                order.general = self.1;
                passed += 1;
                has_id |= order.order_id.is_some();
                is_whole &= order.is_whole();
                error.set(error.get() | has_error(&order.extra));
                each(order);
            },
            |beside| error.set(error.get() | has_error(beside)),
        );
        if read.is_ok() && is_whole {
            check_list(&self.0, has_id)?;
            return Ok(error_warning(error.get()).into_iter().collect());
        }
        // The list differs from the document, so it is read at once; the first orders were passed already.
        let Decoded { value: list, warnings, .. } = read_list(&self.0)?;
        let rest = list.0.into_iter().skip(passed);
        rest.map(|order| ListedOrder { general: self.1, ..order }).for_each(each);
        Ok(warnings)
    }
}

mod sealed {
    /// A form of `getAllStatus` that may be repeated.
    pub trait Repeatable {}
    impl Repeatable for super::GetAllStatus {}
    impl Repeatable for super::GetAllStatusExtended {}
}

operation! {
    impl Unread<Op> where [Op: Operation<Output = OrderList, Dialect = Dialect> + sealed::Repeatable];
    meta: *Op::META, output: UnreadList, dialect: Dialect,
    params: |this| this.0.path_params(),
    encode: |this, dialect| this.0.encode(dialect),
    decode: |_, head, body, _| {
        // Nothing new (AT-07). An empty body with status 200 is an error.
        if head.status == StatusCode::NOT_MODIFIED {
            return Ok(UnreadList::default().into());
        }
        let bytes = body.whole()?;
        if bytes.is_empty() {
            return json::read::<OrderList>(&bytes)
                .map(|_| UnreadList::default().into())
                .map_err(json::JsonFault::answer);
        }
        Ok(UnreadList(bytes, general(Op::META)).into())
    },
    request[Op: identkit_wire::ServedOperation<Output = OrderList, Dialect = Dialect> + sealed::Repeatable]:
        |params, request| Op::decode_request(params, request).map(Self),
    respond: |output| {
        let mut list = OrderList::default();
        output.for_each(|order| list.0.push(order))?;
        Op::encode_response(list)
    },
}
