// Puts one bug after the other into a copy of the tree, and wants each noticed by one of the suites.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bugsIn, partOf } from './bug.js'
import { SUITES } from './suites.js'
import { copyOfTree, removeTree } from './tree.js'
import { Trial, tryAll } from './trial.js'

const HELP = `Usage: npm --prefix test/property/mutants run --silent bugs [-- NAME… --dir DIR --part K/N --all-suites]

  NAME…         only these bugs, by file name without ".patch"
  --dir DIR     the folder of the bugs (default: test/property/mutants/bugs)
  --part K/N    only the K-th part of N: every N-th bug, from the K-th on
  --all-suites  runs every suite on each bug, and prints which suites notice it

Exits with 1 if a bug survived or could not be applied, and with 2 if a suite fails without a bug.`

const OPTIONS = {
  dir: { type: 'string', default: fileURLToPath(new URL('bugs', import.meta.url)) },
  part: { type: 'string', default: '1/1' },
  'all-suites': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
}

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
  if (values.help) return console.log(HELP)
  const bugs = partOf(bugsIn(values.dir, positionals), values.part)
  const trees = { changed: copyOfTree(), clean: copyOfTree() }
  try {
    const areAllKilled = await tryAll(bugs, new Trial(SUITES, trees), console.log, { byEachSuite: values['all-suites'] })
    if (!areAllKilled) process.exitCode = 1
  } finally {
    for (const tree of Object.values(trees)) removeTree(tree)
  }
}

main().catch((error) => {
  console.error(error.message)
  process.exitCode = 2
})
