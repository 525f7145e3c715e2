//! Uploading what messages show, and downloading what users send.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use crate::api::{Api, segment};
use crate::error::ApiError;
use crate::exchange::Call;
use crate::multipart::Form;

/// The largest image of a message, as the platform documents it.
const MAX_IMAGE_BYTES: usize = 10 * 1024 * 1024;
/// The largest file of a message, as the platform documents it.
const MAX_FILE_BYTES: usize = 30 * 1024 * 1024;
/// The largest file that can be downloaded: 100 MiB, the platform's limit.
pub const MAX_DOWNLOAD_BYTES: usize = 100 * 1024 * 1024;

/// The type of an uploaded file. Clients show a file according to its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// Audio in the format OPUS.
    Opus,
    /// Video in the format MP4.
    Mp4,
    /// PDF.
    Pdf,
    /// A Word document.
    Doc,
    /// An Excel sheet.
    Xls,
    /// A presentation for `PowerPoint`.
    Ppt,
    /// Any other file.
    Stream,
}

impl FileKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Mp4 => "mp4",
            Self::Pdf => "pdf",
            Self::Doc => "doc",
            Self::Xls => "xls",
            Self::Ppt => "ppt",
            Self::Stream => "stream",
        }
    }
}

/// The kind of a file in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// An image: `image_key`.
    Image,
    /// A file, audio or video: `file_key`.
    File,
}

impl Api {
    /// Uploads an image for messages and cards, of at most 10 MB, and returns its `image_key`.
    ///
    /// The whole upload must end before the [deadline](Self::with_deadline). Permission: `im:resource` or
    /// `im:resource:upload`.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed, or the image is empty or too large.
    pub async fn upload_image(&self, image: &[u8]) -> Result<String, ApiError> {
        #[derive(Deserialize)]
        struct Uploaded {
            image_key: String,
        }
        check(image, MAX_IMAGE_BYTES)?;
        let mut form = Form::new(image);
        form.text("image_type", "message");
        form.file("image", "image", image)?;
        let Uploaded { image_key } = self.upload("/open-apis/im/v1/images", form).await?;
        Ok(image_key)
    }

    /// Uploads a file for messages, of at most 30 MB, and returns its `file_key`.
    ///
    /// The whole upload must end before the [deadline](Self::with_deadline). Permission: `im:resource` or
    /// `im:resource:upload`.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed, the name cannot be used, or the file is empty or too large.
    pub async fn upload_file(
        &self,
        kind: FileKind,
        name: &str,
        file: &[u8],
    ) -> Result<String, ApiError> {
        #[derive(Deserialize)]
        struct Uploaded {
            file_key: String,
        }
        check(file, MAX_FILE_BYTES)?;
        let mut form = Form::new(file);
        form.text("file_type", kind.as_str());
        form.text("file_name", name);
        form.file("file", name, file)?;
        let Uploaded { file_key } = self.upload("/open-apis/im/v1/files", form).await?;
        Ok(file_key)
    }

    async fn upload<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
    ) -> Result<T, ApiError> {
        let (content_type, body) = form.finish();
        let mut call = Call::new(Method::POST, path);
        call.content_type = Some(content_type);
        call.body = body;
        self.exchange(&call).await?.decode()
    }

    /// Downloads an image or a file of a message that the bot has received, of at most [`MAX_DOWNLOAD_BYTES`]. The
    /// whole file is held in memory.
    ///
    /// # Errors
    ///
    /// [`ApiError`] when the call failed, or the file is too large.
    pub async fn download(
        &self,
        message_id: &str,
        key: &str,
        kind: ResourceKind,
    ) -> Result<Bytes, ApiError> {
        let id = segment("message id", message_id)?;
        let key = segment("file key", key)?;
        let kind = match kind {
            ResourceKind::Image => "image",
            ResourceKind::File => "file",
        };
        let path = format!("/open-apis/im/v1/messages/{id}/resources/{key}?type={kind}");
        let mut call = Call::new(Method::GET, path);
        call.is_download = true;
        call.max_bytes = MAX_DOWNLOAD_BYTES;
        Ok(self.exchange(&call).await?.body)
    }
}

fn check(file: &[u8], max_bytes: usize) -> Result<(), ApiError> {
    if (1..=max_bytes).contains(&file.len()) {
        return Ok(());
    }
    Err(ApiError::invalid(format!(
        "expected a file of 1 to {max_bytes} bytes, got {}",
        file.len()
    )))
}
