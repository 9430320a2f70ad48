// The suites that are to notice a bug, each as a function of a tree with the bug in it.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'

/** @typedef {{ by: string } | undefined} Notice what in the suite failed; nothing when all went well */
/** @typedef {{ name: string, run(tree: string, changedFiles: readonly string[]): Promise<Notice> }} Suite */

/** Only what hangs takes this long; a bug that makes a suite hang is noticed by it. */
const HANG_MS = 300_000
const HANGING_TEST_MS = 30_000

/** @type {Suite} the unit tests, those of the changed files first, up to the first that fails */
const unit = {
  name: 'unit',
  async run(tree, files) {
    const report = join(tree, 'unit.json')
    rmSync(report, { force: true })
    const which = files.length === 0 ? ['run'] : ['related', ...files, '--run']
    const options = ['--config', 'test/property/mutants/vitest.config.js', '--bail', '1', '--testTimeout', String(HANGING_TEST_MS)]
    const reporting = ['--reporter', 'json', '--outputFile', report]
    const { status, output } = await finished(tree, 'node', ['node_modules/vitest/vitest.mjs', ...which, ...options, ...reporting])
    if (status === 0) return undefined
    if (status === HUNG) return { by: hung() }
    if (!existsSync(report)) throw new Error(`The unit tests could not run:\n${output}`)
    return { by: failureIn(JSON.parse(readFileSync(report, 'utf8')), tree) }
  },
}

/** The first failed test of a report of vitest's, or what kept the tests from being run. */
function failureIn({ testResults }, tree) {
  for (const { name, assertionResults, message } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    const file = name.replace(`${tree}/`, '')
    if (failed !== undefined) return `${file} › ${failed.fullName}`
    if (assertionResults.length === 0 && message) return `${file} could not be loaded: ${message.split('\n')[0]}`
  }
  return 'an error outside of tests, such as an unhandled rejection'
}

/** @returns {Suite} a suite that is a program of its own, which exits with 1 when it finds a fault */
function suiteOf(folder, ...options) {
  const name = basename(folder)
  return {
    name,
    async run(tree) {
      const script = ['--prefix', folder, 'run', '--silent', name, ...(options.length > 0 ? ['--', ...options] : [])]
      const { status, output } = await finished(tree, 'npm', script)
      if (status === 0) return undefined
      if (status === HUNG) return { by: hung() }
      if (status === 1) return { by: gistOf(output) }
      throw new Error(`npm ${script.join(' ')} ended with ${status}:\n${output}`)
    },
  }
}

/** The line of a suite's output that says most. */
function gistOf(output) {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  return lines.find((line) => /fail|fault|violat|expected|differ|Error/i.test(line)) ?? lines.at(-1) ?? 'exit code 1'
}

function hung() {
  return `a hang: it had not ended after ${HANG_MS / 1_000} s`
}

/** Those most likely to notice something soon come first. */
export const SUITES = [unit, suiteOf('test/property/model'), suiteOf('test/system/faults'), suiteOf('test/property/fuzz', '--quick')]

const HUNG = 'hung'
const KEPT_OUTPUT = 20_000

function finished(cwd, command, options) {
  return new Promise((resolve, reject) => {
    // A group of its own: what it started has to end with it.
    const child = spawn(command, options, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk) => (output = `${output}${chunk}`.slice(-KEPT_OUTPUT))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    let isHung = false
    const timer = setTimeout(() => {
      isHung = true
      process.kill(-child.pid, 'SIGKILL')
    }, HANG_MS)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve({ status: isHung ? HUNG : (status ?? signal), output })
    })
  })
}
