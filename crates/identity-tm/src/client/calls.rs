//! The calls whose answer is handed on as it was read.

use identkit_core::{CallOptions, Content, Error, Pii, Secret};
use identkit_transport::Response;

use super::{IdentityTm, VideoReady};
use crate::OrderId;
use crate::messages::{
    Bank, IdentDataAnswer, OrderStatus, SignedHashes, SignedPdf, SignmeUser, SignmeUserRequest, VoiceFile, VoiceFiles,
};
use crate::operations::{
    CheckSignmeUser, ConfirmSign, DelIdentData, FileStream, GetBankList, GetESignHash, GetESignPdf, GetIdentData,
    GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf, GetIdentDataSigned, GetStatus, GetStatusExtended,
    GetVideo, GetVoiceFiles, IdentDataBody, MaybeEncrypted, RequestResendSignTan, RequestSign, RequestVideo,
    SignedIdentData, SignedPdfs, Streamed, Video,
};

/// Declares methods that make one call each by `call` or another method; the last text is about errors of their own.
macro_rules! calls {
    ($(
        $(#[$doc:meta])*
        $method:ident($($argument:ident: $type:ty),*) -> $output:ty = $make:ident($($given:expr),+) $(, $errors:literal)*;
    )+) => {
        impl IdentityTm {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// As [`Driver::call`](identkit_transport::Driver::call).
            $(#[doc = $errors])*
            pub async fn $method(
                &self,
                $($argument: $type,)*
                options: &CallOptions,
            ) -> Result<Response<$output>, Error> {
                self.$make($($given,)+ options).await
            }
        )+}
    };
}

calls! {
    /// All codes of an order, [T 3.2]: what finality is judged by (AT-13).
    status(order: &OrderId) -> OrderStatus = call(&GetStatusExtended::new(order.clone()));

    /// The general codes only, [T 3.2]. They may hide a suspicion of fraud.
    status_general(order: &OrderId) -> OrderStatus = call(&GetStatus::new(order.clone()));

    /// The checked data as it came, [T 3.3]: opaque bytes where the account has its results encrypted (AT-70). The
    /// other forms of the call: [`call`](Self::call) with [`MaybeEncrypted`].
    ident_data_body(order: &OrderId) -> IdentDataBody = call(&MaybeEncrypted(GetIdentData::new(order.clone())));

    /// The checked data, [T 3.3].
    ident_data(order: &OrderId) -> IdentDataAnswer = result(GetIdentData::new(order.clone()), order),
        "The decryptor's, if there is one.";

    /// The checked data and what was given to putOrder, [T 3.3].
    ident_data_with_initial(order: &OrderId) -> IdentDataAnswer = result(GetIdentDataInitial::new(order.clone()), order);

    /// The checked data and how the person was identified, [T 3.3].
    ident_data_with_method(order: &OrderId) -> IdentDataAnswer = result(GetIdentDataMethod::new(order.clone()), order);

    /// The result in the opaque form for later use, [T 6]. Store the bytes exactly as they are (AT-71).
    ident_data_signed(order: &OrderId) -> SignedIdentData = call(&GetIdentDataSigned::new(order.clone()));

    /// The report as a PDF, [T 3.4].
    ident_data_pdf(order: &OrderId) -> Content = call(&GetIdentDataPdf::new(order.clone())),
        "The stream itself fails rather than end short.";

    /// The signed documents, [T 3.5].
    signed_pdfs(order: &OrderId) -> SignedPdfs = call(&GetESignPdf::new(order.clone()));

    /// The signed documents one after the other, whether the answer is one PDF or a list of them, [T 3.5]: whatever
    /// their number and size, no more than a piece of one is in memory.
    signed_pdfs_streamed(order: &OrderId) -> FileStream<SignedPdf> = call(&Streamed(GetESignPdf::new(order.clone()))),
        "The rest when [`FileStream::next`] meets it.";

    /// The signed hashes by the names that putOrder gave, [T 3.6].
    signed_hashes(order: &OrderId) -> SignedHashes = call(&GetESignHash::new(order.clone()));

    /// Asks for the recording of an order; the vendor calls the URL when it is ready, [T 3.7]. Sent twice at most.
    request_video(order: &OrderId, callback_url: &Secret) -> () =
        call(&RequestVideo::new(order.clone(), callback_url.clone())),
        "[`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) when the URL is not `https` (`http` to this machine",
        "is accepted).";

    /// The recording as a stream, [T 3.8].
    video(ready: &VideoReady) -> Video = call(&GetVideo::new(ready.order_id().clone())),
        "The stream itself fails rather than end short.";

    /// Audio recordings, where the account is set up for them, [T 3.9].
    voice_files(order: &OrderId) -> VoiceFiles = call(&GetVoiceFiles::new(order.clone()));

    /// The audio recordings one after the other, [T 3.9]. A recording's name is told at its end, wherever the answer
    /// has it.
    voice_files_streamed(order: &OrderId) -> FileStream<VoiceFile> = call(&Streamed(GetVoiceFiles::new(order.clone()))),
        "The rest when [`FileStream::next`] meets it.";

    /// Deletes the data of an order for good, [T 3.10]. Collect and verify everything first.
    delete_ident_data(order: &OrderId) -> () = call(&DelIdentData::new(order.clone())),
        "[`Kind::NotFound`](identkit_core::Kind::NotFound) when the vendor does not know the order *or* has deleted it",
        "already: prove it by [`data_is_gone`](Self::data_is_gone).";

    /// Starts signing: a TAN is texted to the person, [T 5.1]. Never repeated by itself.
    request_sign(order: &OrderId) -> () = call(&RequestSign::new(order.clone())),
        "[`Kind::InvalidState`](identkit_core::Kind::InvalidState) when it cannot be signed (406) or is processed",
        "already (410).";

    /// Signs with the TAN, [T 5.2]. Never repeated by itself: each try counts.
    confirm_sign(order: &OrderId, tan: &Secret) -> () = call(&ConfirmSign::new(order.clone(), tan.clone())),
        "[`Kind::TanRejected`](identkit_core::Kind::TanRejected) when it was probably wrong (400);",
        "[`Kind::SigningCanceled`](identkit_core::Kind::SigningCanceled) when it was wrong too often and the order is",
        "cancelled (429); [`Kind::InvalidState`](identkit_core::Kind::InvalidState) for 410 and 412.";

    /// Has another TAN texted to the person, [T 5.3]. Never repeated by itself.
    resend_tan(order: &OrderId) -> () = call(&RequestResendSignTan::new(order.clone())),
        "[`Kind::InvalidState`](identkit_core::Kind::InvalidState) when signing has not begun (412) or is over (410).";

    /// The banks that support identity Giro, [T 8.1].
    banks() -> Vec<Bank> = call(&GetBankList);

    /// Whether somebody has a sign-me account and can sign with it, [T 8.3].
    signme_user(email: &Pii<String>) -> SignmeUser =
        call(&CheckSignmeUser(SignmeUserRequest::default().email(email.clone())));
}
