"""Two signers sign a message together: the first asks, the second approves. Run two signers, and then

    python3 example.py ALICE_DATA_FOLDER BOB_DATA_FOLDER
"""

import sys
import time

from motet import Motet, MotetError

alice, bob = Motet(data=sys.argv[1]), Motet(data=sys.argv[2])
bobs_key = bob.status()["signers"][0]

# Alice's node finds Bob on the network. On one machine that takes a moment.
for _ in range(120):
    if any(offer["signer"] == bobs_key for offer in alice.signers(known="true")):
        break
    time.sleep(0.5)
else:
    sys.exit("Bob was not found")

# Bob listens before he is asked, so that nothing is missed.
events = bob.events(after=bob.status()["cursor"])
asked = alice.sign([bobs_key], ["lunch at noon"], description="a message between friends")

for event in events:
    if event and event.name == "ApprovalAsked" and event.data["request"] == asked["request"]:
        break
(waiting,) = [request for request in bob.requests() if request["request"] == asked["request"]]
print(waiting["text"])
# What Bob approves is exactly what he was shown.
try:
    bob.approve(waiting["request"], "0" * 64)
except MotetError as error:
    assert error.code == "digest_mismatch"
bob.approve(waiting["request"], waiting["digest"])

session = alice.end_of(asked["request"])
print("key      ", session["items"][0]["aggregate_key"])
print("message  ", session["items"][0]["message"])
print("signature", session["signatures"][0])
