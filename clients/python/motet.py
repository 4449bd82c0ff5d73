"""A client of the API of a running Motet signer (docs/api.md). It needs Python 3.9 and its standard library alone.

    from motet import Motet
    alice = Motet(data="alice.key.motet")           # the Unix socket in the data folder
    alice = Motet(data="alice.key.motet", address="127.0.0.1:7070")   # loopback, with the token in the data folder
    for request in alice.requests():
        alice.approve(request["request"], request["digest"])

Answers are the JSON of the API as dictionaries and lists. A call that fails raises MotetError with the code of the API.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import socket
import time
from contextlib import closing
from urllib.parse import quote, urlencode

__all__ = ["Motet", "MotetError", "Event", "verify_webhook"]

# A call takes 90 seconds at most, and a stream says something every 15 seconds.
PATIENCE = 100


class MotetError(Exception):
    """A call has failed. `code` stays the same when the text changes; `status` is that of HTTP; `hint` is the next step, or None."""

    def __init__(self, status, code, message, hint=None):
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.hint = status, code, message, hint


class Event:
    """An event of a stream: its place `id`, its `name`, and its JSON as `data`."""

    def __init__(self, id, name, data):
        self.id, self.name, self.data = id, name, data

    def __repr__(self):
        return f"Event({self.id!r}, {self.name!r}, {self.data!r})"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Motet:
    """A running signer. Without an address it is called over the Unix socket in its data folder."""

    def __init__(self, data=None, address=None, token=None):
        self._data = data or os.environ.get("MOTET_DATA")
        self._address = address
        if address is None and self._data is None:
            raise ValueError("name the data folder of the signer, or set MOTET_DATA")
        if address is not None and token is None:
            with open(os.path.join(self._data, "api.token"), encoding="ascii") as file:
                token = file.read().strip()
        self._token = token

    # Calls by method and path

    def call(self, method, path, body=None, **query):
        """Calls a route, and returns its JSON. Query values that are None are left out."""
        connection, response = self._send(method, path, body, query)
        with closing(connection):
            return json.loads(response.read())

    def _send(self, method, path, body, query):
        query = {key: value for key, value in query.items() if value is not None}
        if query:
            path += "?" + urlencode(query)
        headers = {}
        if self._address is None:
            connection = _UnixConnection(os.path.join(self._data, "api.sock"), PATIENCE)
        else:
            connection = http.client.HTTPConnection(self._address, timeout=PATIENCE)
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise _error(response.status, response.read())
            return connection, response
        except BaseException:
            connection.close()
            raise

    def _stream(self, path, query):
        connection, response = self._send("GET", path, None, query)
        with closing(connection):
            id, name, data = None, "message", []
            for line in response:
                line = line.decode().rstrip("\r\n")
                if line == "":
                    if data:
                        yield Event(id, name, json.loads("\n".join(data)))
                    name, data = "message", []
                elif line.startswith(":"):
                    # A comment: the stream is open, or alive.
                    yield None
                else:
                    field, _, value = line.partition(":")
                    value = value[1:] if value.startswith(" ") else value
                    if field == "id":
                        id = value
                    elif field == "event":
                        name = value
                    elif field == "data":
                        data.append(value)

    # The node

    def status(self):
        return self.call("GET", "/v1/status")

    def peers(self):
        return self.call("GET", "/v1/peers")["peers"]

    def addresses(self, peer):
        """The addresses of a peer, as this node or the DHT knows them."""
        return self.call("GET", f"/v1/peers/{peer}")

    def connect(self, address):
        return self.call("POST", "/v1/peers", {"address": address})

    def halt(self):
        return self.call("POST", "/v1/halt", {})

    def lock(self):
        """Takes the key out of memory: nothing is signed until it is unlocked."""
        return self.call("POST", "/v1/lock", {})

    def unlock(self, passphrase):
        """Loads the key again; over the Unix socket alone."""
        return self.call("POST", "/v1/unlock", {"passphrase": passphrase})

    def log(self):
        return self.call("GET", "/v1/log")["filter"]

    def set_log(self, filter):
        return self.call("PUT", "/v1/log", {"filter": filter})

    def webhooks(self):
        return self.call("GET", "/v1/webhooks")["webhooks"]

    def stats(self):
        return self.call("GET", "/v1/stats")

    def history(self, minutes=None):
        """Counts for each minute of the last day, or for the newest minutes."""
        return self.call("GET", "/v1/history", minutes=minutes)["minutes"]

    def metrics(self):
        """All metrics as OpenMetrics text."""
        connection, response = self._send("GET", "/metrics", None, {})
        with closing(connection):
            return response.read().decode()

    # Approvals

    def requests(self):
        """The requests that wait for an approval."""
        return self.call("GET", "/v1/requests")["requests"]

    def request(self, request, signer=None):
        return self.call("GET", f"/v1/requests/{request}", signer=signer)

    def approve(self, request, digest, signer=None):
        """Approves what has this digest, and nothing else."""
        body = {"digest": digest, **_given(signer=signer)}
        return self.call("POST", f"/v1/requests/{request}/approve", body)

    def decline(self, request, reason=None, signer=None):
        return self.call("POST", f"/v1/requests/{request}/decline", _given(reason=reason, signer=signer))

    # Sessions

    def sign(self, with_, messages, **more):
        """Asks other signers, by key, for signatures of texts or of bytes. `more` has further fields of the call, such as taproot=True."""
        messages = [{"text": message} if isinstance(message, str) else {"hex": bytes(message).hex()} for message in messages]
        return self.call("POST", "/v1/sign", {"with": list(with_), "messages": messages, **more})

    def sessions(self):
        return self.call("GET", "/v1/sessions")["sessions"]

    def session(self, request, wait=None, after=None, until=None):
        """One session; with `wait` (such as "30s"), after its next change (with until="end", after its end) or when the time is up."""
        return self.call("GET", f"/v1/sessions/{request}", wait=wait, after=after, until=until)

    def end_of(self, request, seconds=300):
        """Waits for the end of a session, and returns it: `signatures` is there, or `end` says why not."""
        ends = time.monotonic() + seconds
        session = self.session(request)
        while session["phase"] not in ("complete", "aborted"):
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"the session {request} has not ended within {seconds} s")
            session = self.session(request, wait=f"{max(1, int(min(left, 30)))}s", until="end")
        return session

    def timeline(self, request):
        """The events of a session that the journal keeps, the oldest first."""
        return self.call("GET", f"/v1/sessions/{request}/events")["events"]

    def abort(self, request, reason=None):
        return self.call("POST", f"/v1/sessions/{request}/abort", _given(reason=reason))

    def retry(self, request, replace=()):
        """Tries again; `replace` has pairs of signers, the one that leaves and the one that joins. Returns the request that goes on."""
        pairs = [{"leaves": leaves, "joins": joins} for leaves, joins in replace]
        return self.call("POST", f"/v1/sessions/{request}/retry", {"replace": pairs})["request"]

    def close(self, request):
        """Forgets a session, and notes its signatures."""
        return self.call("POST", f"/v1/sessions/{request}/close", {})

    def start_nonce_commitment(self, request):
        """The first step of a session with manual rounds; start_round1 and start_round2 follow."""
        return self.call("POST", f"/v1/sessions/{request}/nonce-commitments", {})

    def start_round1(self, request):
        return self.call("POST", f"/v1/sessions/{request}/round1", {})

    def start_round2(self, request):
        return self.call("POST", f"/v1/sessions/{request}/round2", {})

    def results(self):
        return self.call("GET", "/v1/results")["results"]

    def note(self, request):
        return self.call("POST", f"/v1/results/{request}/note", {})

    def evidence(self):
        """The proofs that signers broke the protocol."""
        return self.call("GET", "/v1/evidence")["proofs"]

    # Signers, and messages of applications

    def signers(self, **wishes):
        """The signers on offer. `wishes` are those of the call, such as nickname="bob" or known="true"."""
        return self.call("GET", "/v1/signers", **wishes)["signers"]

    def signer(self, signer):
        """The offer of one signer, and whether it comes from the directory or the DHT."""
        return self.call("GET", f"/v1/signers/{signer}")

    def reputation(self, signer):
        return self.call("GET", f"/v1/signers/{signer}/reputation")["score"]

    def requests_of(self, signer):
        """The requests that wait for a signer, as this node and the DHT know them."""
        return self.call("GET", f"/v1/signers/{signer}/requests")["requests"]

    def find_request(self, request):
        return self.call("GET", f"/v1/network/requests/{request}")

    def add_signer(self, key):
        """Serves a further key of the keystore, by its name. Returns the signer."""
        return self.call("POST", "/v1/signers", {"key": key})["signer"]

    def remove_signer(self, signer):
        return self.call("DELETE", f"/v1/signers/{signer}")

    def advertise(self, **offer):
        """Offers a signer of this node: types=["text"], fee=10, lifetime_ms=3600000 and further fields of the call."""
        return self.call("POST", "/v1/advertisements", offer)["advertisement"]

    def withdraw(self, signer, reason=None):
        return self.call("DELETE", f"/v1/advertisements/{signer}", reason=reason)

    def add_contact(self, signer):
        return self.call("POST", "/v1/contacts", {"signer": signer})

    def remove_contact(self, signer):
        return self.call("DELETE", f"/v1/contacts/{signer}")

    def resources(self, type=None, id=None):
        return self.call("GET", "/v1/resources", type=type, id=id)["resources"]

    def announce_resource(self, type, id, data, lifetime_ms=3_600_000, signer=None):
        """Announces a resource of an application, as bytes, until the node stops."""
        body = {"type": type, "id": id, "data": bytes(data).hex(), "lifetime_ms": lifetime_ms, **_given(signer=signer)}
        return self.call("POST", "/v1/resources", body)["message"]

    def send_message(self, application, to, data, signer=None):
        body = {"to": to, "data": bytes(data).hex(), **_given(signer=signer)}
        return self.call("POST", f"/v1/applications/{quote(application, safe='')}/messages", body)["message"]

    def messages(self, application):
        """Yields the messages of an application as events, and None whenever the stream has only shown that it is open."""
        return self._stream(f"/v1/applications/{quote(application, safe='')}/messages", {})

    # Events

    def events(self, after=None, request=None):
        """Yields events as they come, and None whenever the stream has only shown that it is open. The event "lost" says what to do."""
        return self._stream("/v1/events", {"after": after, "request": request})


def verify_webhook(secret, headers, body, now=None, tolerance=300):
    """The event in the body (bytes) of a webhook, if the signature in its headers is right and not older than the tolerance in seconds.
    Otherwise it raises ValueError. An event may come twice: compare its "webhook-id"."""
    headers = {name.lower(): value for name, value in headers.items()}
    id, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not seconds.isdigit() or abs((time.time() if now is None else now) - int(seconds)) > tolerance:
        raise ValueError("the time of the webhook is missing or too far away")
    key = base64.b64decode(secret.strip().removeprefix("whsec_"))
    right = base64.b64encode(hmac.new(key, f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()).decode()
    for signature in headers.get("webhook-signature", "").split():
        if hmac.compare_digest(signature, f"v1,{right}"):
            return json.loads(body)
    raise ValueError("the signature of the webhook is wrong")


def _given(**values):
    return {name: value for name, value in values.items() if value is not None}


def _error(status, body):
    try:
        error = json.loads(body)["error"]
        return MotetError(status, error["code"], error["message"], error.get("hint"))
    except (ValueError, KeyError, TypeError):
        return MotetError(status, "unknown", f"status {status} without an error of this API")
