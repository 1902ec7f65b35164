//! Calls that return the decoded response unchanged.

use identkit_core::{CallOptions, Content, Error, Pii, Secret};
use identkit_transport::Response;

use super::{IdentityTm, VideoReady};
use crate::OrderId;
use crate::messages::{
    Bank, IdentDataAnswer, OrderStatus, SignedHashes, SignedPdf, SignmeUser, SignmeUserRequest, VoiceFile, VoiceFiles,
};
use crate::operations::{
    CheckSignmeUser, ConfirmSign, FileStream, GetBankList, GetESignHash, GetESignPdf, GetIdentData,
    GetIdentDataInitial, GetIdentDataMethod, GetIdentDataPdf, GetIdentDataSigned, GetStatus, GetStatusExtended,
    GetVideo, GetVoiceFiles, IdentDataBody, MaybeEncrypted, RequestResendSignTan, RequestSign, RequestVideo,
    SignedIdentData, SignedPdfs, Streamed, Video,
};

/// Declares methods that make one call each; the trailing texts document their own errors.
macro_rules! calls {
    ($(
        $(#[$doc:meta])*
        $method:ident($($argument:ident: $type:ty),*) -> $output:ty = $make:ident($($value:expr),+) $(, $errors:literal)*;
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
                self.$make($($value,)+ options).await
            }
        )+}
    };
}

calls! {
    /// Reads all status codes of an order, [T 3.2]. Judge an order by these (AT-13).
    ///
    /// It hides [`IdentityProvider::status`](identkit_core::IdentityProvider::status), which takes a case and returns its
    /// outcome. To call that one, use a `dyn IdentityProvider`, or write `IdentityProvider::status(&client, …)`.
    status(order: &OrderId) -> OrderStatus = call(&GetStatusExtended::new(order.clone()));

    /// Reads the general status codes only, [T 3.2]. They may hide a suspicion of fraud: judge the response by
    /// [`OrderStatus::general_finality`] (AT-13).
    status_general(order: &OrderId) -> OrderStatus = call(&GetStatus::new(order.clone()));

    /// Reads the checked data, [T 3.3]. If the account's results are encrypted, they are returned as received (AT-70).
    /// For the other forms of the call use [`call`](Self::call) with [`MaybeEncrypted`].
    ident_data_body(order: &OrderId) -> IdentDataBody = call(&MaybeEncrypted(GetIdentData::new(order.clone())));

    /// Reads the checked data, [T 3.3].
    ident_data(order: &OrderId) -> IdentDataAnswer = result(GetIdentData::new(order.clone()), order),
        "If the client has a decryptor, also the decryptor's.";

    /// Reads the checked data and the data sent with putOrder, [T 3.3].
    ident_data_with_initial(order: &OrderId) -> IdentDataAnswer = result(GetIdentDataInitial::new(order.clone()), order);

    /// Reads the checked data and how the person was identified, [T 3.3].
    ident_data_with_method(order: &OrderId) -> IdentDataAnswer = result(GetIdentDataMethod::new(order.clone()), order);

    /// Reads the result in the opaque form for later use, [T 6]. Store the bytes unchanged (AT-71).
    ident_data_signed(order: &OrderId) -> SignedIdentData = call(&GetIdentDataSigned::new(order.clone()));

    /// Reads the report as a PDF, [T 3.4].
    ident_data_pdf(order: &OrderId) -> Content = call(&GetIdentDataPdf::new(order.clone())),
        "If the body is incomplete, the stream ends with an error.";

    /// Reads the signed documents, [T 3.5].
    signed_pdfs(order: &OrderId) -> SignedPdfs = call(&GetESignPdf::new(order.clone()));

    /// Streams the signed documents, whether the response is one PDF or a list, [T 3.5]. At most one chunk of one
    /// document is in memory.
    signed_pdfs_streamed(order: &OrderId) -> FileStream<SignedPdf> = call(&Streamed(GetESignPdf::new(order.clone()))),
        "Errors in the body are returned by [`FileStream::next`].";

    /// Reads the signed hashes by the names of the order, [T 3.6].
    signed_hashes(order: &OrderId) -> SignedHashes = call(&GetESignHash::new(order.clone()));

    /// Requests the recording of an order, [T 3.7]. The vendor calls `callback_url` when it is ready. Sent at most twice.
    request_video(order: &OrderId, callback_url: &Secret) -> () =
        call(&RequestVideo::new(order.clone(), callback_url.clone())),
        "[`Kind::InvalidInput`](identkit_core::Kind::InvalidInput) if the URL is not `https`; `http` is valid for this",
        "machine only.";

    /// Streams the recording, [T 3.8].
    video(ready: &VideoReady) -> Video = call(&GetVideo::new(ready.order_id().clone())),
        "If the body is incomplete, the stream ends with an error.";

    /// Reads the audio recordings, [T 3.9]. The account must be enabled for them.
    voice_files(order: &OrderId) -> VoiceFiles = call(&GetVoiceFiles::new(order.clone()));

    /// Streams the audio recordings, [T 3.9]. The name of a recording follows its content.
    voice_files_streamed(order: &OrderId) -> FileStream<VoiceFile> = call(&Streamed(GetVoiceFiles::new(order.clone()))),
        "Errors in the body are returned by [`FileStream::next`].";

    /// Starts signing: the vendor texts a TAN to the person, [T 5.1]. Sent at most once.
    request_sign(order: &OrderId) -> () = call(&RequestSign::new(order.clone())),
        "[`Kind::InvalidState`](identkit_core::Kind::InvalidState) if the order cannot be signed (406) or was already",
        "processed (410).";

    /// Signs with the TAN, [T 5.2]. Sent at most once: each attempt with a TAN counts.
    confirm_sign(order: &OrderId, tan: &Secret) -> () = call(&ConfirmSign::new(order.clone(), tan.clone())),
        "[`Kind::TanRejected`](identkit_core::Kind::TanRejected) if the TAN was probably wrong (400 or 409);",
        "[`Kind::SigningCanceled`](identkit_core::Kind::SigningCanceled) if it was wrong too often and the vendor",
        "canceled the order (429); [`Kind::InvalidState`](identkit_core::Kind::InvalidState) for 410 and 412.";

    /// Makes the vendor text another TAN to the person, [T 5.3]. Sent at most once.
    resend_tan(order: &OrderId) -> () = call(&RequestResendSignTan::new(order.clone())),
        "[`Kind::InvalidState`](identkit_core::Kind::InvalidState) if signing has not started (412) or is over (410).";

    /// Reads the banks that support identity Giro, [T 8.1].
    banks() -> Vec<Bank> = call(&GetBankList);

    /// Reads whether a person has a sign-me account and can sign with it, [T 8.3].
    signme_user(email: &Pii<String>) -> SignmeUser =
        call(&CheckSignmeUser(SignmeUserRequest::default().email(email.clone())));
}
