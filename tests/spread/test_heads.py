"""Whether files may be one is told of all that were met at once as of one by one."""

from random import Random

from aggregator import rotation
from aggregator.content import FINGERPRINT_BYTES
from aggregator.positions import Look
from aggregator.spread.heads import Heads


def are_names_shared(path: str, other: str) -> bool:
    return bool({path, *rotation.bases(path)} & {other, *rotation.bases(other)})


def may_be_one(look: Look, head: bytes, other: Look, other_head: bytes) -> bool:
    """One is the other; or one's whole lines, or what there is of its only one, begin the other."""
    if look.packed == other.packed:
        return True
    if min(len(head), len(other_head)) < FINGERPRINT_BYTES and are_names_shared(look.path, other.path):
        return True
    lines = [each.rpartition(b"\n")[0] + b"\n" if b"\n" in each else each for each in (head, other_head)]
    return head.startswith(lines[1]) or other_head.startswith(lines[0])


def test_whatever_files_begin_with() -> None:
    rng = Random(1)
    found = set()
    for _ in range(2_000):
        line = bytes(rng.choices(b"ab\n", [3, 3, rng.choice([0, 1])], k=rng.choice([70, 400, 3_000])))
        met = []
        for number in range(rng.randrange(4)):
            head = line[: rng.randrange(1, len(line))] if rng.random() < 0.3 else bytes(rng.choices(b"ab\n", k=300))
            met.append((Look(f"/{rng.choice('abcdef')}.log.{number}", packed=f"p{number}"), head))
        look = Look(f"/{rng.choice('abcdef')}.log", packed=rng.choice(["p0", "p9", "p9", "p9"]))
        heads = Heads()
        for of, head in met:
            heads.add(of, head)
        wanted = any(may_be_one(look, line, *each) for each in met)
        answer = heads.may_tell_of(look, line)
        is_told_by_few_bytes = any(len(head) < 256 and b"\n" not in head for head in (line, *(head for _, head in met)))
        assert answer or not wanted
        assert answer == wanted or is_told_by_few_bytes
        found.add(answer)
    assert found == {True, False}
