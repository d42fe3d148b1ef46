"""Checks an evidence file as README.md in it says, with nothing of kaos: only Python's own library and
the Ed25519 of RFC 8032, section 6. Prints what it found, or fails.

    python3 check_evidence.py FILE KID
"""
import base64
import hashlib
import json
import struct
import sys
import tarfile

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    i, j, k, m = f - e, h - g, h + g, f + e
    return (i * j % P, k * m % P, j * k % P, i * m % P)


def times(n, point):
    result = (0, 1, 1, 0)
    while n > 0:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def point_of(raw):
    y = int.from_bytes(raw, 'little')
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - x2) % P == 0, 'no point'
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, 'little'))


def ed25519(public, message, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], 'little')
    h = int.from_bytes(hashlib.sha512(r + public + message).digest(), 'little') % Q
    left, right = times(s, BASE), add(point_of(r), times(h, point_of(public)))
    equal = (left[0] * right[2] - right[0] * left[2]) % P == 0
    assert s < Q and equal and (left[1] * right[2] - right[1] * left[2]) % P == 0, 'signature'


def b64url(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def sha256(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


archive = tarfile.open(sys.argv[1])
members = {one.name: one for one in archive.getmembers()}


def read(name):
    return archive.extractfile(members[name]).read()


def load(name):
    return json.loads(read(name))


def opened(envelope, key):
    body = base64.b64decode(envelope['payload'])
    kind = envelope['payloadType'].encode()
    signed = b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(body), body)
    ed25519(key, signed, base64.b64decode(envelope['signatures'][0]['sig']))
    return json.loads(body)


# 1, 2: trust in the key that was named, and every member
index = load('index.json')
keys = {one['kid']: b64url(one['x']) for one in load('keys/installation.jwks.json')['keys']}
own = keys[sys.argv[2]]
signed = opened(load('index.dsse.json'), own)
assert signed['subject'][0]['digest']['sha256'] == sha256(read('index.json')).hex(), 'index'
listed = {one['name']: one['sha256'] for one in index['members']}
assert set(listed) | {'index.json', 'index.dsse.json'} == set(members), 'members'
for name, digest in listed.items():
    assert sha256(read(name)).hex() == digest, name

# 3: the log
text, signatures = read('checkpoint.txt').decode().split('\n\n')
note = (text + '\n').encode()
ed25519(own, note, base64.b64decode(signatures.split()[2])[4:])
origin, size, root = text.split('\n')[:3]
assert origin == 'kaos/' + index['installation']


def root_of(node, last, leaf, proof):
    for sibling in (bytes.fromhex(one) for one in proof):
        assert last > 0, 'proof'
        if node % 2 or node == last:
            leaf = sha256(b'\1', sibling, leaf)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            leaf = sha256(b'\1', leaf, sibling)
        node, last = node // 2, last // 2
    assert last == 0, 'proof'
    return leaf


said = {}
for name in members:
    if name.startswith('statements/'):
        one = load(name)
        leaf = sha256(b'\0', bytes.fromhex(one['salt']), one['payload'].encode())
        found = root_of(one['seq'], int(size) - 1, leaf, one['proof'])
        assert found == base64.b64decode(root), name
        said[one['seq']] = json.loads(one['payload'])
        assert said[one['seq']]['seq'] == one['seq']

# 4: the graph
graph = load('graph.json')
nodes = {one['id']: one for one in graph['nodes']}
for node in graph['nodes']:
    plain = {key: value for key, value in node.items() if key not in ('seq', 'at')}
    assert plain in said[node['seq']]['nodes'], node
for edge in graph['edges']:
    plain = {key: value for key, value in edge.items() if key != 'seq'}
    assert plain in said[edge['seq']]['edges'], edge

# 5: signatures
workers = {one['kid']: one for one in load('keys/workers.jwks.json')['keys']}
proved = 0
for node in graph['nodes']:
    if node['kind'] != 'attestation':
        continue
    raw = read('attestations/%s.dsse.json' % node['id'])
    assert sha256(raw).hex() == node['attributes']['sha256'], 'envelope'
    worker = workers.get(node['attributes']['kid'])
    statement = opened(json.loads(raw), b64url(worker['x']) if worker else own)
    about = [e['to'] for e in graph['edges'] if e['from'] == node['id'] and e.get('role') == 'subject']
    digest = nodes[about[0]]['digest'][7:]
    assert any(one['digest'].get('kaosTree') == digest for one in statement['subject']), 'subject'
    if worker:
        fact = said[worker['kaos_enrolled_seq']]
        assert fact['type'] == 'worker.key-enrolled' and fact['detail']['x'] == worker['x']
        assert worker.get('kaos_revoked_seq', node['seq'] + 1) > node['seq'], 'revoked'
    proved += 1

# 6: the content
files = 0


def chunked(path, data, raw):
    at, count = 0, struct.unpack('>I', raw[4:8])[0]
    assert raw[:4] == b'KF1\0' and len(raw) == 8 + 36 * count
    for row in range(8, len(raw), 36):
        length = struct.unpack('>I', raw[row + 32:row + 36])[0]
        assert sha256(data[at:at + length]) == raw[row:row + 32], path
        at += length
    assert at == len(data), path


def walk(digest, path):
    global files
    raw = read('objects/' + digest)
    assert sha256(raw).hex() == digest, 'object'
    at = 4
    if raw[:4] == b'KT2\0':
        at = 8 + 36 * struct.unpack('>I', raw[4:8])[0]
    count, at = struct.unpack('>I', raw[at:at + 4])[0], at + 4
    for _ in range(count):
        kind, length = struct.unpack('>BQ', raw[at:at + 9])
        own, n = raw[at + 9:at + 41], struct.unpack('>H', raw[at + 41:at + 43])[0]
        name = path + raw[at + 43:at + 43 + n].decode()
        at += 43 + n
        if kind == 3:
            walk(own.hex(), name + '/')
            continue
        files += 1
        data = read('content/' + name)
        assert len(data) == length, name
        if kind > 3:
            chunk = sha256(data) + struct.pack('>I', length)
            assert sha256(b'KF1\0\0\0\0\1' + chunk) == own, name
        else:
            rows = read('objects/' + own.hex())
            assert sha256(rows) == own, name
            chunked(name, data, rows)


walk(nodes[index['content']['entity']]['digest'][7:], '')
print(json.dumps({'statements': len(said), 'signatures': proved, 'files': files}))
