/**
 * The names of the errors that a switch sends in OpenFlow 1.3 (§7.5.4) and in the extensions of Nicira and the ONF
 * (include/openvswitch/ofp-errors.h of Open vSwitch). It knows no message.
 */

// biome-ignore format: one type a line; the position is the code
/** Names by type (the first index) and code (the second); some codes bear another group's name. */
export const errorTable: readonly { readonly prefix: string; readonly codes: readonly string[] }[] = [
  { prefix: 'OFPHFC', codes: ['INCOMPATIBLE', 'EPERM'] },
  { prefix: 'OFPBRC', codes: ['BAD_VERSION', 'BAD_TYPE', 'BAD_STAT', 'BAD_VENDOR', 'BAD_SUBTYPE', 'EPERM', 'BAD_LEN', 'BUFFER_EMPTY', 'BUFFER_UNKNOWN', 'BAD_TABLE_ID', 'IS_SECONDARY', 'BAD_PORT', 'BAD_PACKET', 'MULTIPART_BUFFER_OVERFLOW'] },
  { prefix: 'OFPBAC', codes: ['BAD_TYPE', 'BAD_LEN', 'BAD_VENDOR', 'BAD_VENDOR_TYPE', 'BAD_OUT_PORT', 'BAD_ARGUMENT', 'EPERM', 'TOO_MANY', 'BAD_QUEUE', 'BAD_OUT_GROUP', 'MATCH_INCONSISTENT', 'UNSUPPORTED_ORDER', 'BAD_TAG', 'BAD_SET_TYPE', 'BAD_SET_LEN', 'BAD_SET_ARGUMENT'] },
  { prefix: 'OFPBIC', codes: ['UNKNOWN_INST', 'UNSUP_INST', 'BAD_TABLE_ID', 'UNSUP_METADATA', 'UNSUP_METADATA_MASK', 'BAD_EXPERIMENTER', 'BAD_EXP_TYPE', 'BAD_LEN', 'EPERM'] },
  { prefix: 'OFPBMC', codes: ['BAD_TYPE', 'BAD_LEN', 'BAD_TAG', 'BAD_DL_ADDR_MASK', 'BAD_NW_ADDR_MASK', 'BAD_WILDCARDS', 'BAD_FIELD', 'BAD_VALUE', 'BAD_MASK', 'BAD_PREREQ', 'DUP_FIELD', 'EPERM'] },
  { prefix: 'OFPFMFC', codes: ['UNKNOWN', 'TABLE_FULL', 'BAD_TABLE_ID', 'OVERLAP', 'EPERM', 'BAD_TIMEOUT', 'BAD_COMMAND', 'BAD_FLAGS'] },
  { prefix: 'OFPGMFC', codes: ['GROUP_EXISTS', 'INVALID_GROUP', 'WEIGHT_UNSUPPORTED', 'OUT_OF_GROUPS', 'OUT_OF_BUCKETS', 'CHAINING_UNSUPPORTED', 'WATCH_UNSUPPORTED', 'LOOP', 'UNKNOWN_GROUP', 'CHAINED_GROUP', 'BAD_TYPE', 'BAD_COMMAND', 'BAD_BUCKET', 'BAD_WATCH', 'EPERM'] },
  { prefix: 'OFPPMFC', codes: ['BAD_PORT', 'BAD_HW_ADDR', 'BAD_CONFIG', 'BAD_ADVERTISE', 'EPERM'] },
  { prefix: 'OFPTMFC', codes: ['BAD_TABLE', 'BAD_CONFIG', 'EPERM'] },
  { prefix: 'OFPQOFC', codes: ['BAD_PORT', 'BAD_QUEUE', 'EPERM'] },
  { prefix: 'OFPSCFC', codes: ['BAD_FLAGS', 'BAD_LEN', 'EPERM'] },
  { prefix: 'OFPRRFC', codes: ['STALE', 'UNSUP', 'BAD_ROLE'] },
  { prefix: 'OFPMMFC', codes: ['UNKNOWN', 'METER_EXISTS', 'INVALID_METER', 'UNKNOWN_METER', 'BAD_COMMAND', 'BAD_FLAGS', 'BAD_RATE', 'BAD_BURST', 'BAD_BAND', 'BAD_BAND_VALUE', 'OUT_OF_METERS', 'OUT_OF_BANDS'] },
  { prefix: 'OFPTFFC', codes: ['BAD_TABLE', 'BAD_METADATA', 'OFPBPC_BAD_TYPE', 'OFPBPC_BAD_LEN', 'OFPBPC_BAD_VALUE', 'EPERM'] },
]

// biome-ignore format: one name a line
/** Nicira's own, by the code in the place of the experimenter's type. */
export const niciraErrors: ReadonlyMap<number, string> = new Map([
  [2,  'NXBRC_NXM_INVALID'],
  [3,  'NXBRC_NXM_BAD_TYPE'],
  [4,  'NXBRC_MUST_BE_ZERO'],
  [5,  'NXBRC_BAD_REASON'],
  [6,  'OFPMOFC_MONITOR_EXISTS'],
  [7,  'OFPMOFC_BAD_FLAGS'],
  [8,  'OFPMOFC_UNKNOWN_MONITOR'],
  [9,  'NXBRC_FM_BAD_EVENT'],
  [10, 'NXBRC_UNENCODABLE_ERROR'],
  [11, 'NXBAC_MUST_BE_ZERO'],
  [12, 'NXFMFC_HARDWARE'],
  [13, 'NXFMFC_BAD_TABLE_ID'],
  [15, 'NXBAC_BAD_CONJUNCTION'],
  [34, 'NXR_NOT_SUPPORTED'],
  [35, 'NXR_STALE'],
  [36, 'NXST_NOT_CONFIGURED'],
  [37, 'NXFMFC_INVALID_TLV_FIELD'],
  [39, 'NXBAC_BAD_HEADER_TYPE'],
  [40, 'NXBAC_UNKNOWN_ED_PROP'],
  [41, 'NXBAC_BAD_ED_PROP'],
  [42, 'NXBAC_CT_DATAPATH_SUPPORT'],
  [43, 'NXBMC_CT_DATAPATH_SUPPORT'],
  [44, 'NXTFFC_DUP_TABLE'],
])

// biome-ignore format: one name a line
/** The ONF's extensions of OpenFlow 1.3 (EXT-230, EXT-236 and others), likewise. */
export const onfErrors: ReadonlyMap<number, string> = new Map([
  [2300, 'OFPBFC_UNKNOWN'],
  [2301, 'OFPBFC_EPERM'],
  [2302, 'OFPBFC_BAD_ID'],
  [2303, 'OFPBFC_BUNDLE_EXIST'],
  [2304, 'OFPBFC_BUNDLE_CLOSED'],
  [2305, 'OFPBFC_OUT_OF_BUNDLES'],
  [2306, 'OFPBFC_BAD_TYPE'],
  [2307, 'OFPBFC_BAD_FLAGS'],
  [2308, 'OFPBFC_MSG_BAD_LEN'],
  [2309, 'OFPBFC_MSG_BAD_XID'],
  [2310, 'OFPBFC_MSG_UNSUP'],
  [2311, 'OFPBFC_MSG_CONFLICT'],
  [2312, 'OFPBFC_MSG_TOO_MANY'],
  [2313, 'OFPBFC_MSG_FAILED'],
  [2314, 'OFPBFC_TIMEOUT'],
  [2315, 'OFPBFC_BUNDLE_IN_PROGRESS'],
  [2360, 'OFPFMFC_BAD_PRIORITY'],
  [2370, 'OFPACFC_INVALID'],
  [2371, 'OFPACFC_UNSUPPORTED'],
  [2372, 'OFPACFC_EPERM'],
  [2600, 'OFPBIC_DUP_INST'],
  [2640, 'OFPBRC_MULTIPART_REQUEST_TIMEOUT'],
  [2641, 'OFPBRC_MULTIPART_REPLY_TIMEOUT'],
  [4250, 'OFPBAC_BAD_SET_MASK'],
])

const experimenterType = 0xffff
const experimenters = new Map([
  [0x0000_2320, niciraErrors],
  [0x4f4e_4600, onfErrors],
])

/** What tells an error: its type and code, or for type 0xffff the experimenter and its code. */
export interface ErrorNumbers {
  readonly type: number
  readonly code: number
  readonly experimenter?: number
}

/** The name of an error as `ovs-ofctl` prints it, `OFPBMC_BAD_PREREQ`; its numbers if it has none. */
export function errorName({ type, code, experimenter }: ErrorNumbers): string {
  if (type === experimenterType) {
    const name = experimenters.get(experimenter ?? 0)?.get(code)
    return name ?? `experimenter 0x${(experimenter ?? 0).toString(16)} error ${code}`
  }
  const row = errorTable[type]
  const name = row?.codes[code]
  if (row === undefined || name === undefined) return `error type ${type} code ${code}`
  return name.startsWith('OFP') ? name : `${row.prefix}_${name}`
}
