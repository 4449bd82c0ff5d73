//! The calls of a node about messages of applications.

use motet_coordinator::{ApplicationMessageSpec, Command, CommandError, Recipient, Reply};
use motet_core_crypto::PublicKey;
use motet_wire::{ApplicationMessage, MessageId};

use super::Node;
use crate::applications::ApplicationMessages;
use crate::error::CallError;

impl Node {
    /// Sends a message of an application in the name of a signer of this node, and returns its id. It is signed, and goes to one node,
    /// directly. Nothing confirms that it comes or that somebody listens: the application answers. A signer whose node is not known is
    /// looked up in the DHT.
    ///
    /// A node takes 20 messages at once from a node that it does not know, and 60 a minute.
    ///
    /// # Errors
    ///
    /// [`CallError`]: of a name that is not 1 to 32 visible ASCII characters, of more than 4096 bytes, of a signer that is not served
    /// here, of another that is not found, or of too many messages.
    pub async fn send_application_message(
        &self,
        from: PublicKey,
        to: Recipient,
        application: &str,
        data: Vec<u8>,
    ) -> Result<MessageId, CallError> {
        let message = ApplicationMessageSpec { signer: from, to, application: application.to_owned(), data };
        let reply = match self.call(Command::SendApplicationMessage(message.clone())).await {
            Err(CallError::Command(CommandError::UnknownRecipient(signer))) => {
                drop(self.find_signer(signer).await?);
                self.call(Command::SendApplicationMessage(message)).await
            }
            reply => reply,
        };
        let Reply::ApplicationMessageSent(id) = reply? else { return Err(CallError::Internal) };
        Ok(id)
    }

    /// The messages for an application from now on. Several listeners of one application each hear all of them. A node on which no
    /// application listens drops such messages before it checks a signature.
    ///
    /// # Errors
    ///
    /// [`CallError`]: of a name that is not 1 to 32 visible ASCII characters, or of more than 16 applications.
    pub fn application_messages(&self, application: &str) -> Result<ApplicationMessages, CallError> {
        if !ApplicationMessage::is_name(application) {
            return Err(CommandError::ApplicationName.into());
        }
        self.applications.listen(application)
    }
}
