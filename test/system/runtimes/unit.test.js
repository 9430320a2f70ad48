import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { run } from './command.ts'

/** What is about the repository, whatever runs it. */
const ABOUT_FILES = {
  reason: 'is about the files of the repository, which `npm test` checks',
  files: ['architecture'],
}

const REALMS = {
  reason: 'takes a realm of node:vm for a runtime without a host, which it is in Node alone: in Bun and Deno it has more',
  files: ['model/without-host'],
}

/**
 * How vitest is started in each runtime, and what is left out there.
 *
 * @type {readonly {
 *   readonly runtime: string
 *   readonly command: readonly [string, ...string[]]
 *   readonly skip: readonly { readonly reason: string, readonly files?: readonly string[], readonly tests?: readonly string[] }[]
 * }[]}
 */
const RUNTIMES = [
  { runtime: 'Node 22', command: ['node22'], skip: [ABOUT_FILES] },
  { runtime: 'Node 24', command: ['node24'], skip: [ABOUT_FILES] },
  { runtime: 'Node 26', command: ['node26'], skip: [ABOUT_FILES] },
  {
    runtime: 'Bun',
    command: ['bun', '--bun'],
    skip: [
      ABOUT_FILES,
      REALMS,
      {
        reason: 'has garbage collected by what V8 has for that',
        tests: [
          'keeps no places once it is emptied, though it was short',
          'keeps nothing of a deferred message once it was delivered',
          'keeps neither a socket nor texts from one write to the next, whatever the socket throws',
          'keeps the texts that wait, and nothing of what they were made of',
          'take no more room than one needs where one sits alone',
          'take no more room than six need where there are six',
          'puts an outbox in front of a socket that tells of its pressure while something waits, and lets go of it then',
          'takes no more memory for what went through it',
        ],
      },
      {
        reason: 'ends HTTP/2 sessions with errors that no listener is told of by node:http2 of Bun',
        files: ['transports/sse-endings'],
      },
      {
        reason: 'has a proxy name prototypes without an end, which the engine of Bun follows without an end',
        tests: ['a prototype chain without an end'],
      },
      {
        reason: 'waits for a drain that node:http of Bun does not tell of',
        tests: ['tells of room after writes too small for a high-water mark'],
      },
    ],
  },
  {
    runtime: 'Deno',
    command: ['deno', 'run', '--allow-all', '--no-prompt'],
    skip: [
      ABOUT_FILES,
      REALMS,
      {
        reason: 'starts another process by the flags of Node',
        tests: ['is not kept alive by', 'stays alive until', 'ends with the last of those promises'],
      },
      {
        reason: 'has a client leave before the head was sent, which node:http of Deno tells by an error of the request',
        tests: ['is refused when its client left before the head was sent'],
      },
    ],
  },
]

describe('the unit tests', () => {
  for (const { runtime, command: [command, ...args], skip } of RUNTIMES) {
    it(`pass in ${runtime}`, async (test) => {
      const work = mkdtempSync(join(tmpdir(), 'unit-'))
      test.after(() => rmSync(work, { recursive: true }))
      const report = join(work, 'report.json')

      const { exitCode, output } = await run(command, [...args, 'node_modules/vitest/vitest.mjs', ...vitest(skip, report)], '../../..')

      assert.equal(exitCode, 0, output)
      const { numPassedTests } = JSON.parse(readFileSync(report, 'utf8'))
      test.diagnostic(`${numPassedTests} tests in ${runtime}`)
      for (const { reason } of skip) test.diagnostic(`left out there: what ${reason}`)
      assert.ok(numPassedTests > 2_000)
    })
  }
})

/**
 * @param {(typeof RUNTIMES)[number]['skip']} skip
 * @param {string} report
 */
function vitest(skip, report) {
  const files = skip.flatMap(({ files = [] }) => files).map((name) => `test/unit/${name}.test.ts`)
  const tests = skip.flatMap(({ tests = [] }) => tests)
  return [
    'run', '--config', 'test/system/runtimes/vitest.config.js', '--pool=forks', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`,
    ...files.flatMap((file) => ['--exclude', file]),
    ...(tests.length > 0 ? ['--testNamePattern', `^(?!.*(?:${tests.join('|')}))`] : []),
  ]
}
