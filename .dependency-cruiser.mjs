// The rooms of docs/architecture.md and who may import whom. A room is a folder of src or a file at its root;
// whatever is not listed may not be imported.

const leaves = ['errors.ts', 'log.ts', 'metrics.ts', 'routing.ts', 'security-rule.ts', 'sorted-map.ts']
const gates = ['openflow', 'ovsdb', 'nb', 'packet', 'neutron']

// biome-ignore format: one room a line, in columns
const rooms = {
  'wire/':         [],
  'packet/':       ['wire/'],
  'openflow/':     ['wire/'],
  'errors.ts':     ['wire/'],
  'log.ts':        ['errors.ts'],
  'metrics.ts':    [],
  'routing.ts':    [],
  'security-rule.ts': [],
  'sorted-map.ts': [],
  'heap.ts':       [],
  'config/':       [...leaves],
  'ovsdb/':        [...leaves],
  'nb/':           ['wire/', 'config/', ...leaves],
  'neutron/':      ['nb/', 'config/', ...leaves],
  'app/':          ['openflow/', 'packet/', 'wire/', 'config/', ...leaves],
  'controller/':   ['app/', 'openflow/', 'packet/', 'wire/', 'ovsdb/', 'nb/', 'config/', ...leaves],
  'lab/':          [''],
  'cli/':          [''],
  'main.ts':       ['errors.ts', 'heap.ts', 'local-controller.ts'],
  'local-controller.ts': [''],
}

// biome-ignore format: one package a line, in columns
const packages = {
  'rxjs':        ['^src/(ovsdb|nb|controller)/'],
  'etcd3':       ['^src/nb/etcd-client.ts$'],
  'dns-packet':  ['^src/app/dns/message(-text)?.ts$'],
  'zod':         ['^src/(nb|config|lab|neutron)/'],
  'ipaddr.js':   ['^src/(?!wire/|packet/|openflow/)'],
  'pino':        ['^src/log.ts$'],
  'prom-client': ['^src/metrics.ts$'],
  'commander':   ['^src/cli/'],
  'cli-table3':  ['^src/cli/'],
  'amqplib':     ['^src/neutron/amqp.ts$'],
  'yaml':        ['^src/(cli|lab)/'],
}

const path = (room) => `^src/${room.replace('.', '\\.')}`
const anyOf = (list) => (list.length === 0 ? '^$' : list.join('|'))

const roomRules = Object.entries(rooms).map(([room, may]) => ({
  name: `room-${room.replace(/\W/g, '')}`,
  comment: `src/${room} may import only: ${may.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: path(room) },
  to: { path: '^src/', pathNot: anyOf([path(room), ...may.map(path)]) },
}))

const packageRules = Object.entries(packages).map(([name, where]) => ({
  name: `package-${name.replace(/\W/g, '')}`,
  comment: `${name} belongs to ${where.join(', ')} alone`,
  severity: 'error',
  from: { path: '^src/', pathNot: where.join('|') },
  to: { path: `node_modules/${name.replace('.', '\\.')}/` },
}))

const gateRules = gates.map((room) => ({
  name: `gate-${room}`,
  comment: `from outside, only src/${room}/index.ts is imported`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${room}/` },
  to: { path: `^src/${room}/`, pathNot: `^src/${room}/index\\.ts$` },
}))

export default {
  forbidden: [
    ...roomRules,
    ...packageRules,
    ...gateRules,
    {
      name: 'apps-are-strangers',
      comment: 'an application may not import another one',
      severity: 'error',
      from: { path: '^src/app/([^/]+)/' },
      to: { path: '^src/app/([^/]+)/', pathNot: '^src/app/$1/' },
    },
    {
      name: 'host-knows-no-application',
      comment: 'the controller knows the contract in src/app/*.ts, never one application',
      severity: 'error',
      from: { path: '^src/controller/' },
      to: { path: '^src/app/([^/]+/|index\\.ts)' },
    },
    {
      name: 'no-cycles',
      comment: 'no import cycles',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
}
