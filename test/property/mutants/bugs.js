// Puts one bug after the other into a copy of the tree, and wants each noticed by one of the suites.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bugsIn } from './bug.js'
import { SUITES } from './suites.js'
import { copyOfTree, removeTree } from './tree.js'
import { Trial, tryAll } from './trial.js'

const HELP = `Usage: npm --prefix test/property/mutants run --silent bugs [-- NAME… --dir DIR --all-suites]

  NAME…         these bugs alone: names of files, without ".patch"
  --dir DIR     the folder that the bugs are in (default: test/property/mutants/bugs)
  --all-suites  let every suite try each bug, and say which of them notice it

Exits with 1 when a bug survived or could not be put in, and with 2 when the suites cannot tell.`

const OPTIONS = {
  dir: { type: 'string', default: fileURLToPath(new URL('bugs', import.meta.url)) },
  'all-suites': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
}

async function main() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
  if (values.help) return console.log(HELP)
  const bugs = bugsIn(values.dir, positionals)
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
