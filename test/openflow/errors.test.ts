import { describe, expect, test } from 'vitest'
import { errorName, errorTable, niciraErrors, onfErrors } from '../../src/openflow/errors.ts'
import { printError } from '../support/ofctl.ts'

const nicira = 0x2320
const onf = 0x4f4e4600
const standard = errorTable.flatMap(({ codes }, type) => codes.map((_, code) => ({ type, code })))
const extensions = [
  ...[...niciraErrors.keys()].map((code) => ({ type: 0xffff, code, experimenter: nicira })),
  ...[...onfErrors.keys()].map((code) => ({ type: 0xffff, code, experimenter: onf })),
]

describe('Open vSwitch has the same numbers for', () => {
  test.each(standard.map((numbers) => [errorName(numbers), numbers] as const))(
    '%s',
    async (name, numbers) => {
      expect(await printError(name)).toContain(
        `OpenFlow 1.3: vendor 0, type ${numbers.type}, code ${numbers.code}\n`,
      )
    },
  )

  test.each(extensions.map((numbers) => [errorName(numbers), numbers] as const))(
    '%s',
    async (name, numbers) => {
      const vendor = `0x${numbers.experimenter.toString(16)}`
      expect(await printError(name)).toContain(
        `OpenFlow 1.3: vendor ${vendor}, type ${numbers.code}, code 0\n`,
      )
    },
  )
})

test.each([
  [{ type: 1, code: 99 }, 'error type 1 code 99'],
  [{ type: 99, code: 1 }, 'error type 99 code 1'],
  [{ type: 0xffff, code: 9999, experimenter: nicira }, 'experimenter 0x2320 error 9999'],
  [{ type: 0xffff, code: 1, experimenter: 5 }, 'experimenter 0x5 error 1'],
  [{ type: 0xffff, code: 1 }, 'experimenter 0x0 error 1'],
])('an error without a name shows its numbers: %j', (numbers, text) => {
  expect(errorName(numbers)).toBe(text)
})
