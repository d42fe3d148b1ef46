/** What every evidence file says of itself. */
export const README = `# Evidence of kaos

This archive shows how one thing (index.json, "subject") came to be. Nothing in it has to be believed
that cannot be checked; \`kaos verify --offline FILE\` checks all of it, without a network. By hand:

1. Trust. keys/installation.jwks.json holds the public keys (Ed25519, RFC 8037) of the installation.
   Compare one with what you know of it from elsewhere: https://SERVER/.well-known/jwks.json, or what a
   colleague's CLI remembers. A later key is endorsed by the one before it (kaos_endorsement: Ed25519 by
   kaos_endorsed_by over "kaos signing key\\nkaos/INSTALLATION\\nKID\\nX\\n").
2. Members. index.dsse.json is a DSSE envelope (payload: in-toto statement v1) whose subject is the
   sha256 of index.json; index.json has the sha256 of every other member. Signed bytes:
   "DSSEv1 28 application/vnd.in-toto+json " + length of payload + " " + payload.
3. The log. checkpoint.txt is a signed note (C2SP tlog-checkpoint): size and root of the log.
   For each statements/N.json: leaf = SHA-256(0x00 || salt || payload), and "proof" leads from it to
   the root (RFC 6962, 2.1.1). consistency/M-N.json shows that the log of M statements is a beginning.
4. The graph. Every node and edge of graph.json stands in the payload of the statement with its "seq".
5. Signatures. attestations/ENTITY.dsse.json: its sha256 is an attribute of node ENTITY, so only what
   the log took counts: a well signed statement of an attempt that lost is not there. The key "kid" is
   in keys/workers.jwks.json, and the statement kaos_enrolled_seq (type worker.key-enrolled) shows whose
   it is; kaos_revoked_seq, if there is one, must be greater than the node's seq. An attestation of the
   installation itself has a kid of keys/installation.jwks.json.
   Its subject's digest kaosTree is the digest of the node that it wasDerivedFrom; its
   resolvedDependencies are the digests of what the graph says was used.
6. Content. objects/HEX: folders and lists of chunks, each named by its sha256. The digest of the
   thing is that of its folder. Encodings: a list is "KF1\\0", u32 count, count x (32 bytes SHA-256 of a
   chunk, u32 length). A folder is "KT1\\0", or "KT2\\0", u32 segments, segments x (32 bytes, u32); then
   u32 count, count x (u8 kind, u64 size, 32 bytes digest, u16 n, n bytes name); kinds: 1 file,
   2 executable file, 3 folder, 4 and 5 the same as 1 and 2 for files of 1 to 16383 bytes, whose list
   has one chunk and is not stored. Numbers are big-endian. content/PATH are the files themselves.
`
