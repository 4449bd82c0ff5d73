#!/usr/bin/env python3
"""An independent decoder of Motet's wire format, written from docs/wire-format.md alone.

Standard library only. Reads every <name>.hex of a folder: of a frame, checks its bytes, its signature, its delegation
and its proof of work, and prints one JSON object a line: name, kind, id and body; of evidence, prints what it consists
of. Reads the texts of text/*.txt likewise. Fails on the first file that is not as the document says.

    python3 decode.py tests/vectors/wire [network]
"""

import hashlib
import json
import pathlib
import sys

# --- secp256k1 and BIP-340, from the BIP -------------------------------------------------------------------------

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def add(p, q):
    if p is None:
        return q
    if q is None:
        return p
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = 3 * p[0] * p[0] * pow(2 * p[1], -1, P) % P
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P) % P
    x = (slope * slope - p[0] - q[0]) % P
    return (x, (slope * (p[0] - x) - p[1]) % P)


def multiply(k, p):
    result = None
    while k:
        if k & 1:
            result = add(result, p)
        p = add(p, p)
        k >>= 1
    return result


def lift_x(x):
    if x >= P:
        raise ValueError("not a field element")
    square = (pow(x, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        raise ValueError("not on the curve")
    return (x, y if y % 2 == 0 else P - y)


def tagged_hash(tag, *parts):
    tag = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(tag + tag + b"".join(parts)).digest()


def check_signature(key33, message, signature, what):
    if key33[0] not in (2, 3):
        raise ValueError(f"{what}: not a compressed key")
    point = lift_x(int.from_bytes(key33[1:], "big"))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if r >= P or s >= N:
        raise ValueError(f"{what}: signature out of range")
    challenge = tagged_hash("BIP0340/challenge", signature[:32], key33[1:], message)
    e = int.from_bytes(challenge, "big") % N
    nonce = add(multiply(s, G), multiply(N - e, point))
    if nonce is None or nonce[1] % 2 or nonce[0] != r:
        raise ValueError(f"{what}: wrong signature")


# --- The types of the document -----------------------------------------------------------------------------------


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if len(self.data) - self.at < length:
            raise ValueError("cut short")
        self.at += length
        return self.data[self.at - length : self.at]

    def end(self):
        if self.at != len(self.data):
            raise ValueError("bytes follow")


def u(width):
    return lambda reader: int.from_bytes(reader.take(width), "little")


U8, U16, U32, U64 = u(1), u(2), u(4), u(8)


def u128(reader):
    return reader.take(16).hex()


def code(bound):
    def read(reader):
        value = U8(reader)
        if value > bound:
            raise ValueError("undefined code")
        return value

    return read


def array(length):
    return lambda reader: reader.take(length).hex()


def raw(bound):
    def read(reader):
        length = U32(reader)
        if length > bound:
            raise ValueError("over its bound")
        return reader.take(length)

    return read


def data(bound):
    return lambda reader: raw(bound)(reader).hex()


def text(bound):
    return lambda reader: raw(bound)(reader).decode("utf-8")


def visible(bound):
    def read(reader):
        word = raw(bound)(reader)
        if not word or any(not 0x21 <= byte <= 0x7E for byte in word):
            raise ValueError("not a name")
        return word.decode()

    return read


def listing(bound, element):
    def read(reader):
        count = U32(reader)
        if count > bound:
            raise ValueError("over its bound")
        return [element(reader) for _ in range(count)]

    return read


def option(inner):
    def read(reader):
        present = U8(reader)
        if present > 1:
            raise ValueError("neither there nor not there")
        return [inner(reader)] if present else None

    return read


def structure(**fields):
    return lambda reader: {name: read(reader) for name, read in fields.items()}


DELEGATION = structure(signer=array(33), message_key=array(33), peer=data(64), not_after=U64, signature=array(64))
WORK = structure(epoch=U32, nonce=U64)
ITEM = structure(message=data(16384), path=listing(8, U32), taproot=option(option(array(32))))
DETAILS = structure(
    keys=listing(100, array(33)),
    items=listing(64, ITEM),
    commitments=code(1),
    election=code(4),
    topology=code(1),
    description=text(1024),
    transaction=data(32768),
    amount=option(U64),
    transaction_type=text(32),
    created=U64,
    expires=U64,
    salt=array(16),
)

KINDS = {
    1: ("SignerAdvertisement", 10240, structure(
        delegation=DELEGATION, addresses=listing(8, data(128)), transaction_types=listing(16, text(32)),
        min_amount=U64, max_amount=U64, nickname=text(64), description=text(256), fee=U64, created=U64, expires=U64,
        work=WORK)),
    2: ("SignerUnavailable", 1024, structure(delegation=DELEGATION, advertisement=array(32), reason=text(256))),
    3: ("SigningRequest", 51200, structure(creator=DELEGATION, details=DETAILS, work=option(WORK))),
    4: ("ParticipantJoined", 1024, structure(
        request=array(32), index=U16, delegation=DELEGATION, commitment=option(array(32)))),
    5: ("ParticipantDeclined", 1024, structure(
        request=array(32), index=U16, delegation=DELEGATION, reason=text(256))),
    6: ("SessionReady", 40960, structure(
        request=array(32), session=array(32), coordinator=U16, joins=listing(100, data(1024)))),
    7: ("NonceCommit", 1024, structure(session=array(32), attempt=U32, commitment=array(32))),
    8: ("NonceShare", 5248, structure(
        session=array(32), attempt=U32, nonces=listing(64, array(66)), commitments=array(32))),
    9: ("PartialSigShare", 2560, structure(
        session=array(32), attempt=U32, partials=listing(64, array(32)), nonces=array(32))),
    10: ("SignatureFinalized", 4608, structure(session=array(32), signatures=listing(64, array(64)))),
    11: ("SessionAbort", 65536, structure(
        subject=code(1), id=array(32), code=code(7), detail=text(256), evidence=option(data(63488)))),
    12: ("SyncRequest", 1024, structure(
        request=array(32), attempt=U32, held_request=code(1), joins=u128, commitments=u128, nonces=u128, partials=u128,
        held_outcome=code(1))),
    13: ("SyncResponse", 262144, structure(request=array(32), frames=listing(403, data(65536)))),
    14: ("ResourceAnnouncement", 6144, structure(
        delegation=DELEGATION, resource_type=visible(32), id=visible(64), data=data(4096), created=U64, expires=U64,
        work=WORK)),
    15: ("ApplicationMessage", 5120, structure(
        delegation=DELEGATION, peer=data(64), signer=option(array(33)), application=visible(32), data=data(4096))),
}

EVIDENCE = {
    1: ("Equivocation", structure(join=data(1024), first=data(5248), second=data(5248))),
    2: ("BadOpening", structure(join=data(1024), commit=option(data(1024)), nonces=data(5248))),
    3: ("BadPartialSignature", structure(
        join=data(1024), terms=data(51200), partials=data(2560), item=U16, item_nonces=listing(100, array(66)),
        other_items=listing(63, array(32)))),
    4: ("Malformed", structure(binding=data(10240), frame=data(51200))),
    5: ("AgainstTerms", structure(join=data(1024), terms=data(51200), share=option(data(5248)))),
}

PLACE = structure(network=text(32), peer=option(data(64)), addresses=listing(4, data(128)))
TEXTS = {
    "mkey": structure(key=array(33)),
    "mcontact": structure(signer=array(33), place=PLACE, name=text(64)),
    "mrequest": structure(request=array(32), creator=array(33), place=PLACE),
}

# --- Bech32m, from BIP-350 ---------------------------------------------------------------------------------------

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def polymod(values):
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check


def bech32m(line):
    if line not in (line.lower(), line.upper()):
        raise ValueError("mixed case")
    prefix, _, groups = line.lower().rpartition("1")
    values = [ALPHABET.index(character) for character in groups]
    head = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    if polymod(head + values) != 0x2BC830A3:
        raise ValueError("wrong checksum")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    whole = len(bits) // 8 * 8
    if len(bits) - whole > 4 or "1" in bits[whole:]:
        raise ValueError("wrong padding")
    return prefix, bytes(int(bits[at : at + 8], 2) for at in range(0, whole, 8))


# --- Frames ------------------------------------------------------------------------------------------------------


def check_delegation(delegation, sender, network):
    peer = bytes.fromhex(delegation["peer"])
    digest = tagged_hash(
        "motet/delegation/v1", network, bytes.fromhex(delegation["signer"]), bytes.fromhex(delegation["message_key"]),
        bytes([len(peer)]), peer, delegation["not_after"].to_bytes(8, "big"))
    if delegation["message_key"] != sender.hex():
        raise ValueError("the delegation is for another key")
    check_signature(bytes.fromhex(delegation["signer"]), digest, bytes.fromhex(delegation["signature"]), "delegation")


def work_value(work, network, purpose, signer, payload):
    seed = tagged_hash("motet/work-seed/v1", network, bytes([purpose]), bytes.fromhex(signer), payload,
                       work["epoch"].to_bytes(4, "little"))
    value = tagged_hash("motet/work/v1", seed, work["nonce"].to_bytes(8, "little"))
    return 256 - int.from_bytes(value, "big").bit_length()


SIGNING_REQUEST_2 = structure(
    creator=DELEGATION, details=DETAILS, chain_codes=listing(100, option(array(32))), work=option(WORK))


def decode(frame, network):
    reader = Reader(frame)
    version, kind = U8(reader), U8(reader)
    name, largest, body_of = KINDS[kind]
    if version == 2 and kind == 3:
        body_of = SIGNING_REQUEST_2
    elif version != 1:
        raise ValueError("another version")
    if len(frame) > largest:
        raise ValueError("too long for its kind")
    sender = reader.take(33)
    sequence, timestamp = U64(reader), U64(reader)
    body = raw(262025)(reader)
    signature = reader.take(64)
    reader.end()
    digest = tagged_hash("motet/envelope/v1", network, frame[:-64])
    check_signature(sender, digest, signature, "envelope")

    inner = Reader(body)
    said = body_of(inner)
    inner.end()
    out = {"kind": name, "id": digest.hex(), "sequence": sequence, "timestamp": timestamp, "body": said}
    delegation = said.get("delegation", said.get("creator"))
    if delegation:
        check_delegation(delegation, sender, network)
    if kind in (1, 14):
        tag, purpose = ("motet/advertisement/v1", 1) if kind == 1 else ("motet/resource/v1", 3)
        payload = tagged_hash(tag, network, body[:-12])
        out["work"] = work_value(said["work"], network, purpose, delegation["signer"], payload)
        if said["work"]["epoch"] != said["created"] // 600_000:
            raise ValueError("the work is of another epoch")
    if kind == 3:
        before = 33 + 33 + 4 + len(delegation["peer"]) // 2 + 8 + 64
        after = 13 if said["work"] else 1
        terms = bytes.fromhex(delegation["signer"]) + body[before : len(body) - after]
        request = tagged_hash("motet/request/v1", network, terms)
        out["request_id"] = request.hex()
        if said["work"]:
            out["work"] = work_value(said["work"][0], network, 2, delegation["signer"], request)
    return out


def exactly(read, data):
    reader = Reader(data)
    said = read(reader)
    reader.end()
    return said


def decode_evidence(data, _network):
    charge, parts = EVIDENCE[data[0]]
    return {"charge": charge, "evidence": exactly(parts, data[1:])}


def decode_text(line):
    line = line.strip()
    prefix, data = bech32m(line[6:] if line.lower().startswith("motet:") else line)
    return {"prefix": prefix, "text": exactly(TEXTS[prefix], data)}


def main():
    folder = pathlib.Path(sys.argv[1])
    name = (sys.argv[2] if len(sys.argv) > 2 else "test").encode()
    network = bytes([len(name)]) + name
    for path in sorted(folder.glob("*.hex")):
        read = decode_evidence if path.stem.startswith("evidence_") else decode
        data = bytes.fromhex(path.read_text())
        try:
            print(json.dumps({"name": path.stem, **read(data, network)}))
        except (ValueError, KeyError) as error:
            sys.exit(f"{path.name}: {error}")
        # One byte more or less, and it is nothing; of a frame, one other bit.
        spoiled = [data[:-1], data + b"\0"]
        if read is decode:
            middle = len(data) // 2
            spoiled.append(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        for broken in spoiled:
            try:
                read(broken, network)
            except (ValueError, KeyError):
                continue
            sys.exit(f"{path.name}: changed, and accepted")
    for path in sorted((folder / "text").glob("*.txt")):
        try:
            print(json.dumps({"name": f"text/{path.stem}", **decode_text(path.read_text())}))
        except (ValueError, KeyError) as error:
            sys.exit(f"{path.name}: {error}")


if __name__ == "__main__":
    main()
