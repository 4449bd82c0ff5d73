//! Every bound of the API, with its reason.

use core::time::Duration;

/// Connections over the Unix socket at a time: a connection is a task and two buffers, and people and their programs have few.
pub const CONNECTIONS: usize = 256;
/// Connections over TCP at a time. They have their own bound, so that strangers without a token cannot lock out the Unix socket.
pub const CONNECTIONS_TCP: usize = 64;
/// Listeners of events at a time, a fraction of the connections, so that calls have room beside them.
pub const LISTENERS: usize = 64;
/// Listeners that hear of each event at once: a page, a screen and a program or two.
pub const PROMPT_LISTENERS: usize = 4;
/// Pause of each listener before it reads what has come, for each listener beyond the first [`PROMPT_LISTENERS`]: many then write once
/// for a whole session, and after it, so that they do not slow its signatures.
pub const LISTENER_PAUSE: Duration = Duration::from_millis(1);
/// Bytes of a request's body. A signing request of the protocol has 64 KB at most, and hexadecimal digits double that.
pub const BODY: usize = 256 * 1024;
/// Bytes of a body with a secret: the longest passphrase, each byte of which may need six in JSON.
pub const SECRET_BODY: usize = 4096;
/// Time that a body may take to arrive.
pub const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// Time that the head of a request may take to arrive, also after the request before it.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of the head of a request.
pub const HEAD: usize = 16 * 1024;
/// Lines of the head of a request.
pub const HEADERS: usize = 64;
/// Time that a peer may take nothing of what is written to it, before its connection is closed.
pub const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// Longest time of a wait for a change (`?wait=`).
pub const WAIT: Duration = Duration::from_secs(60);
/// Longest time of any other call: a look-up in the DHT that walks through a large index.
pub const CALL: Duration = Duration::from_secs(90);
/// Pause between two comments on a stream of events on which nothing happens.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events that the journal keeps: those of about a hundred sessions.
pub const JOURNAL_EVENTS: usize = 4096;
/// Bytes of the events that the journal keeps. The largest event, a proof, has 130 KB.
pub const JOURNAL_BYTES: usize = 16 * 1024 * 1024;
/// Events that are read from the journal for a listener at once.
pub const BATCH: usize = 64;
/// Events of one request that are handed out at once, the newest: a session of 64 signers has about two hundred.
pub const SESSION_EVENTS: usize = 512;
/// Requests whose last change the journal remembers, more than sessions can go on at a time.
pub const REVISIONS: usize = 4096;
/// Questions that are open at a time: those that the engine lets wait for an approval.
pub const QUESTIONS: usize = motet_node::limits::UNAPPROVED_REQUESTS;
/// Answered questions that are remembered, so that a second answer hears of the first.
pub const ANSWERED: usize = 256;
/// Time that connections have to end by themselves when the node stops.
pub const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes of a response that the client reads: the sessions and the evidence of a busy node fit.
pub const RESPONSE: usize = 64 * 1024 * 1024;
/// Bytes of one event that the client reads.
pub const EVENT: usize = 1024 * 1024;
/// Time that the client waits for a response, beyond the time that it has asked the daemon to wait.
pub const CLIENT_PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a path to a Unix socket, the zero at its end included: macOS has 104, and Linux 108.
pub const SOCKET_PATH: usize = 104;
/// Time that the receiver of a webhook has for its answer. The next event waits for it.
pub const WEBHOOK_PATIENCE: Duration = Duration::from_secs(10);
/// Pause after the first failure of a webhook; it doubles with each further one.
pub const WEBHOOK_FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two attempts of a webhook: a receiver that is back hears of it within that time.
pub const WEBHOOK_LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Deliveries of a webhook that its log keeps.
pub const DELIVERIES: usize = 64;
/// Webhooks of a daemon, each of which is a task.
pub const WEBHOOKS: usize = 8;
/// Longest time that signers may have to join: the protocol lets no request live longer.
pub const JOIN: Duration = Duration::from_secs(2 * 60 * 60);
/// Minutes of the history that is kept: a day, about 70 KB.
pub const MINUTES: usize = 24 * 60;
/// Pause between two looks at the counts for the history: a few for each minute, so that they fall into the right one.
pub const HISTORY_PACE: Duration = Duration::from_secs(10);
/// Sessions whose times are kept for statistics: enough for a 95th percentile, a few kilobytes.
pub const TALLIED: usize = 1024;
