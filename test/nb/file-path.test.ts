import { describe, expect, test } from 'vitest'
import { draftPrefix, fileNameOf, folderOf, idOf, isRowFile, isTableFolder } from '../../src/nb/file-path.ts'

describe('the file of a row', () => {
  test.each([
    ['0c0afd02-3476-55c2-9177-a64a327a2b62', '0c0afd02-3476-55c2-9177-a64a327a2b62.json'],
    ['compute-1.example.org', 'compute-1.example.org.json'],
    ['A_b~c', 'A_b~c.json'],
    ['a/b', 'a%2Fb.json'],
    ['..', '%2E..json'],
    ['../../etc/passwd', '%2E.%2F..%2Fetc%2Fpasswd.json'],
    [`${draftPrefix}1`, '%2Edraft-1.json'],
    ['a b', 'a%20b.json'],
    ['50%', '50%25.json'],
    ["'(*)!", '%27%28%2A%29%21.json'],
    ['ä\u0000', '%C3%A4%00.json'],
  ])('%j is %s', (id, name) => {
    expect(fileNameOf(id)).toBe(name)
    expect(idOf(name)).toBe(id)
    expect(isRowFile(name)).toBe(true)
  })

  test.each([
    'a b.json',
    'a%2fb.json',
    '%61.json',
    'a%.json',
    '%ff.json',
    '.json',
    '.hidden.json',
    'a',
    'a.txt',
    '!.json',
  ])('is never %s', (name) => {
    expect(idOf(name)).toBeUndefined()
  })

  test.each([
    ['', 'cannot be empty'],
    ['x'.repeat(251), 'is too long: its file name may have 255 bytes'],
    ['ä'.repeat(42), 'is too long'],
    ['\udc00', 'is not Unicode text'],
  ])('%#: there is none', (id, message) => {
    expect(() => fileNameOf(id)).toThrow(message)
  })

  test('may have 255 bytes', () => {
    expect(fileNameOf('x'.repeat(250))).toHaveLength(255)
  })
})

test.each(['.lock', '.draft-7', '.x.json.swp', 'x.json~', 'x.json.tmp', '4913'])(
  '%s is not meant to be a row',
  (name) => {
    expect(isRowFile(name)).toBe(false)
  },
)

describe('the folder of a table', () => {
  test('is its name', () => {
    expect(folderOf('/nb', 'child_port_segmentation')).toBe('/nb/child_port_segmentation')
  })

  test.each(['', '.', '..', '../x', 'a/b', '/etc', 'Lport', 'a.b', 'a b', '.lock', 'x'.repeat(65)])(
    'is not %j',
    (table) => {
      expect(isTableFolder(table)).toBe(false)
      expect(() => folderOf('/nb', table)).toThrow('cannot be a table')
    },
  )
})
