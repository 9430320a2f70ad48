// Lets Stryker change src in every way it knows, in a copy of the tree, and wants each change noticed by the unit tests.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { check, reported } from './check.js'
import { copyOfTree, removeTree } from './tree.js'

const HELP = `Usage: npm --prefix test/property/mutants run --silent mutants [-- --mutate PATH… --tests FOLDER… --concurrency N --afresh]

  --mutate PATH    only this file or folder of src, such as src/collections/fan-out-list.ts or src/delivery; may be given several times
  --tests FOLDER   only the tests of this folder, which takes a part of the time; what they do not notice, the others may; may be given several times
  --concurrency N  the number of parallel test processes (default: 2)
  --afresh         tries every mutant, including those with a result in report/incremental.json

Exits with 1 if a mutant survived that survivors.json does not list.`

const OPTIONS = {
  mutate: { type: 'string', multiple: true, default: [] },
  tests: { type: 'string', multiple: true, default: [] },
  concurrency: { type: 'string', default: '2' },
  afresh: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
}

const inThisFolder = (path) => fileURLToPath(new URL(path, import.meta.url))

const strykerOptions = ({ mutate, concurrency, afresh }) => ({
  // The scenarios of the host suite are tests themselves: test/unit/testing/faults shows what they notice.
  mutate: mutate.length === 0 ? ['src/**/*.ts', '!src/testing/suite/{accepting,delivering,ending,keeping-private,pressure}.ts'] : mutate.map((path) => (path.endsWith('.ts') ? path : `${path}/**/*.ts`)),
  plugins: ['./runner.js', './messages.js'].map((plugin) => import.meta.resolve(plugin)),
  ignorers: ['error-messages'],
  // The tree is a copy already.
  inPlace: true,
  testRunner: 'attentive-vitest',
  vitest: { configFile: 'test/property/mutants/vitest.config.js', related: true },
  coverageAnalysis: 'perTest',
  // What was found out stays true for as long as neither the line nor its tests have changed: Stryker sees to that.
  incremental: true,
  incrementalFile: inThisFolder('report/incremental.json'),
  force: afresh,
  concurrency: Number(concurrency),
  timeoutMS: 20_000,
  // All tests once, on a machine that does other work too.
  dryRunTimeoutMinutes: 20,
  reporters: ['progress-append-only', 'json'],
  jsonReporter: { fileName: inThisFolder('report/mutation.json') },
  allowConsoleColors: false,
})

async function main() {
  const { values } = parseArgs({ options: OPTIONS })
  if (values.help) return console.log(HELP)
  if (values.tests.length > 0) process.env.MUTANTS_TESTS = values.tests.join(',')
  const copy = copyOfTree()
  try {
    process.chdir(copy)
    await new Stryker(strykerOptions(values)).runMutationTest()
  } finally {
    removeTree(copy)
  }
  const { results, accounts } = reported(values.mutate)
  if (!check(results, accounts)) process.exitCode = 1
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 2
})
