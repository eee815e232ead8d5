/** What a capture file holds, as tcpdump reads it: the DNS queries that reached a server. */

import { run } from './process.ts'

/** A DNS query on the wire. */
export interface SeenQuery {
  readonly id: number
  /** In lower case, with the trailing dot. */
  readonly name: string
  readonly type: string
  /** The address it came from. */
  readonly source: string
}

/** The DNS queries over UDP in a capture file, oldest first. Throws `LabError` if tcpdump cannot read it. */
export async function queriesIn(file: string): Promise<SeenQuery[]> {
  return seenIn(await run('tcpdump', ['-nn', '-t', '-r', file, 'udp and dst port 53']))
}

/** The queries in tcpdump's text: `IP 198.51.100.11.40000 > 198.51.100.53.53: 4711+ [1au] A? ext.example.net. (56)`. */
export function seenIn(text: string): SeenQuery[] {
  const line = /^IP6? (\S+)\.\d+ > \S+\.53: (\d+)\S* (?:\[[^\]]*\] )*(\w+)\? (\S+)/gm
  return [...text.matchAll(line)].map(([, source, id, type, name]) => ({
    id: Number(id),
    name: name!.toLowerCase(),
    type: type!,
    source: source!,
  }))
}
