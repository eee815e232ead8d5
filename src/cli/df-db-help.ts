/**
 * What `df-db --help` teaches: a first cloud, examples of each command that work in this order on it, and the
 * fields of each table as they are declared. Text only.
 */

import { fieldsOfTable, tableNames } from '../nb/index.ts'

type Example = readonly [command: string, does: string]

/** A first cloud: what the help of the program shows. */
export const firstCloud: readonly string[] = [
  'df-db init',
  'df-db add lswitch id=net-red topic=red name=red',
  'df-db add lsubnet id=subnet-red topic=red lswitch=net-red cidr=10.0.0.0/24',
  'df-db add lport id=web-red topic=red lswitch=net-red subnets=subnet-red ips=10.0.0.11 macs=fa:16:3e:00:00:11',
  'df-db add domainname subnet=subnet-red domain_name=red.example.org ttl=60',
  'df-db add dnsname lport=web-red dns_name=web',
  'df-db check',
]

/** The examples of each command; run in this order after the first cloud, each of them works. */
export const examples = {
  init: [
    ['df-db init', 'where df.conf says, or below /var/lib/dragonflow/nb'],
    ['df-db --nb-path ./nb init', 'in a directory of your own'],
  ],
  ls: [
    ['df-db ls', 'the tables and how many rows they have'],
    ['df-db ls lport', 'the ports'],
    ['df-db ls lport -f json', 'every field, for jq'],
    ['df-db ls unique_key', 'the last key given out in each table'],
  ],
  get: [
    ['df-db get lport web-red', 'all fields of a row'],
    ['df-db get lport web-red ips', 'one of them'],
    ['df-db get lport web-red -f yaml', 'the row as YAML'],
  ],
  add: [
    ['df-db add lswitch id=net-blue topic=blue', 'unique_key and version are given by themselves'],
    ['df-db add chassis id=compute-1 ip=192.0.2.11 tunnel_types=geneve,vxlan', 'commas make a list'],
    [
      `df-db add lsubnet '{"id": "subnet-blue", "topic": "blue", "lswitch": "net-blue", "cidr": "10.0.0.0/24"}'`,
      'fields as JSON',
    ],
    [
      `echo '{"topic": "blue", "lswitch": "net-blue"}' | df-db add lport id=web-blue ips=10.0.0.11 -`,
      'JSON from standard input, and more',
    ],
    ['df-db add dnsname lport=web-blue dns_name=web', 'a DNS row takes id and topic from what it names'],
  ],
  update: [
    ['df-db update lport web-red ips=10.0.0.11,fd00:a::11', 'version goes up by one'],
    ['df-db update lport web-red device_owner=null', 'null removes a field'],
    [`df-db update lport web-red 'binding={"type": "chassis", "chassis": "compute-1"}'`, 'JSON in a field'],
  ],
  rm: [
    ['df-db rm dnsname web-red', 'the name is gone, the port stays'],
    ['df-db rm lport web-blue', 'warns of the rows that named it'],
  ],
  load: [
    ['df-db load rows.jsonl', 'all of the file or, if one row is wrong, nothing'],
    ['df-db dump | df-db --nb-path ./copy load -', 'copies a store'],
  ],
  dump: [['df-db dump > rows.jsonl', 'a backup: load brings it back']],
  check: [
    ['df-db check', 'exit code 1 if a row does not count'],
    ['df-db check -f json', 'for a script'],
  ],
  watch: [
    ['df-db watch', 'every change, until Ctrl-C'],
    ['df-db watch lport', 'those of the ports'],
    ['df-db watch -f json | jq -r .id', 'a line of JSON each'],
  ],
  completion: [
    ['source <(df-db completion bash)', 'in this shell; put it in ~/.bashrc for every one'],
    ['df-db completion zsh > df-db.zsh', 'for zsh: source it in ~/.zshrc'],
  ],
} as const satisfies Readonly<Record<string, readonly Example[]>>

/** What follows the commands in the help of the program. */
export function programHelp(): string {
  return `
A first cloud, of one tenant with one name:
${firstCloud.map((line) => `  ${line}`).join('\n')}

df-db COMMAND --help shows examples; df-db add --help also the fields of each table.
Exit code: 0; 1 if check or dump found rows that are wrong; 2 if the request or the store is wrong.`
}

/** What follows the options in the help of a command. */
export function commandHelp(command: string): string {
  const known = Object.hasOwn(examples, command) ? examples[command as keyof typeof examples] : []
  const lines = known.map(([line, does]) => `  ${line}\n      ${does}`)
  return `\nExamples:\n${lines.join('\n')}${command === 'add' || command === 'update' ? `\n${fieldsText()}` : ''}`
}

/** How fields are given, and which there are. */
function fieldsText(): string {
  const width = Math.max(...tableNames.map((table) => table.length)) + 2
  const tables = tableNames.map((table) => {
    const names = fieldsOfTable(table).map(({ name, isNeeded }) => (isNeeded ? `${name}*` : name))
    return `  ${table.padEnd(width)}${wrapped(names, width + 2)}`
  })
  return `
A field is field=value, a JSON object has many, - reads one from standard input. A value is JSON if that
fits the field, else text, else a list separated by commas; null is no value.

Tables and their fields (what they mean: docs/northbound.md). A row needs those with *, but unique_key is
given by itself, and a DNS row takes id and topic from the row that it names:
${tables.join('\n')}`
}

function wrapped(words: readonly string[], indent: number): string {
  const lines: string[] = ['']
  for (const word of words) {
    const line = lines.at(-1)!
    if (indent + line.length + word.length < 100)
      lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
    else lines.push(word)
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}
