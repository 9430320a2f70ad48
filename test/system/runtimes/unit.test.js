import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { run } from './command.ts'

/** Tests that do not depend on the runtime. */
const ABOUT_FILES = {
  reason: 'checks the files of the repository, which `npm test` does',
  files: ['architecture'],
}

const REALMS = {
  reason: 'uses a realm of node:vm as a runtime without host globals, but in Bun and Deno such a realm has some',
  files: ['model/without-host'],
}

/**
 * The command that starts vitest in each runtime, and the tests to skip there.
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
        reason: 'collects garbage by a flag of V8',
        tests: [
          'frees its array when it is emptied, even if it was short',
          'retains nothing of a deferred message after its delivery',
          'retains neither socket nor texts after a write, even if the socket throws',
          'keeps the queued texts, but not the objects they were made from',
          'takes no memory for filters that it never had',
          'takes up only the room of one connection while it has one',
          'takes up only the room of its six members',
          'does not keep the socket of a removed connection',
          'puts a send queue in front of a socket with a readable buffer while messages are queued, and removes it afterwards',
          'does not grow with the number of items that passed through it',
          'takes little for each of many short queues through which many items passed',
          'keeps nothing of a client whose subscriptions are',
          'keeps nothing of a connection that was removed while it was behind',
        ],
      },
      {
        reason: 'ends HTTP/2 sessions with errors that node:http2 of Bun does not emit',
        files: ['transports/sse-endings'],
      },
      {
        reason: 'has a proxy with an endless prototype chain, which the engine of Bun follows forever',
        tests: ['an endless prototype chain'],
      },
      {
        reason: 'waits for a drain that node:http of Bun does not emit',
        tests: ['reports a drain after writes that are too small for a high-water mark'],
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
        reason: 'starts another process with flags of Node',
        tests: ['is not kept alive by', 'stays alive until', 'ends with the last of those promises'],
      },
      {
        reason: 'disconnects a client before the head was sent, which node:http of Deno reports as an error of the request',
        tests: ['is refused if its client left before the head was sent'],
      },
    ],
  },
]

/** Runtimes that this run leaves out. CI leaves out all but one, another one each day. */
const LEFT_OUT = process.env.UNIT_TESTS_NOT_IN?.split(',') ?? []

describe('the unit tests', () => {
  for (const { runtime, command: [command, ...args], skip } of RUNTIMES) {
    it(`pass in ${runtime}`, { skip: LEFT_OUT.includes(runtime) }, async (test) => {
      const work = mkdtempSync(join(tmpdir(), 'unit-'))
      test.after(() => rmSync(work, { recursive: true }))
      const report = join(work, 'report.json')

      const { exitCode, output } = await run(command, [...args, 'node_modules/vitest/vitest.mjs', ...vitest(skip, report)], '../../..')

      assert.equal(exitCode, 0, output)
      const { numPassedTests } = JSON.parse(readFileSync(report, 'utf8'))
      test.diagnostic(`${numPassedTests} tests in ${runtime}`)
      for (const { reason } of skip) test.diagnostic(`skipped there: each test that ${reason}`)
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
