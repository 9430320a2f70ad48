import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readText } from './support/markdown.ts'
import { runnable, typeErrors } from './support/typescript.ts'

const SRC = new URL('../src/', import.meta.url)
const IMPORTS =
  "import { ConnectionManager, ConnectionManagerError, createStreamMessage, defineStreams, parseServerMessage, rawJson } from 'stream-connection-manager'"

/** What an example takes for granted, by its file. */
const SURROUNDINGS: Readonly<Record<string, string>> = {
  'connection-manager.ts': 'const socket = { send() {}, close() {} } as unknown as WebSocket',
  'errors.ts': `
    const socket = { send: (text: string) => console.log(text), close() {} }
    const connection = new ConnectionManager().addConnection('c1', socket, 'alice')
    const command = { streamType: 'GOSSIP' } as never`,
  'streams/raw-json.ts': 'const manager = new ConnectionManager()',
}

/** What an example prints, by its file; nothing where it is not named. */
const PRINTED: Readonly<Record<string, string>> = {
  'errors.ts': '{"refused":"ERR_UNKNOWN_STREAM"}\n',
  'streams/wire-form.ts': 'TRADES BTCUSDT 7\n',
}

interface Example {
  readonly file: string
  readonly code: string
}

const examples = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))
  .flatMap((file) => Array.from(readText(new URL(file, SRC)).matchAll(/@example\n([^]*?)\n \*(?:\/|\n)/g), ([, lines = '']) => asExample(file, lines)))

function asExample(file: string, lines: string): Example {
  const code = lines.replaceAll(/^ \* ?/gm, '')
  return { file, code: [IMPORTS, SURROUNDINGS[file] ?? '', code, 'export {}', ''].join('\n') }
}

describe('the examples in docstrings', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'docstrings-'))
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('stand on each public class and on what is not plain from a signature', () => {
    const files = examples.map(({ file }) => file).toSorted()

    expect(files).toEqual(['connection-manager.ts', 'errors.ts', 'streams/catalogue.ts', 'streams/raw-json.ts', 'streams/stream-message.ts', 'streams/wire-form.ts'])
  })

  it('compile', () => {
    const sources = examples.map(({ code }, i) => [`docstring-${i}.ts`, code] as const)

    expect(typeErrors(new Map(sources))).toEqual([])
  })

  it.each(examples)('run: $file', ({ file, code }) => {
    const path = join(folder, `${file.replaceAll('/', '-')}.mjs`)
    writeFileSync(path, runnable(code))

    const printed = execFileSync(process.execPath, [path], { encoding: 'utf8' })

    expect(printed).toBe(PRINTED[file] ?? '')
  })
})
