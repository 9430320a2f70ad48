import { readFileSync, writeFileSync } from 'node:fs'
import { codeLineCount, differences, merged, rowOf, rowsIn, withRows } from './host-table.ts'
import { readResults } from './result.ts'

// npm run table: writes what the last runs of the suite say into the README's table of hosts.
// npm run table -- --check: fails where the table says something else, dates aside.

const README = new URL('../../../README.md', import.meta.url)
const RESULTS = ['results', '../runtimes/results'].map((folder) => new URL(`${folder}/`, import.meta.url))
const RECIPES = new URL('../../../examples/hosts/', import.meta.url)

const results = RESULTS.flatMap(readResults)
const fresh = results.map((result) => rowOf(result, codeLineCount(readFileSync(new URL(result.recipe, RECIPES), 'utf8'))))
const readme = readFileSync(README, 'utf8')
const old = rowsIn(readme)
const rows = merged(old, fresh)

if (fresh.length === 0) throw new Error('There are no results: run the suite first')
if (!process.argv.includes('--check')) {
  writeFileSync(README, withRows(readme, rows))
  console.log(`${fresh.length} of ${rows.length} hosts in the README are of the last runs`)
} else if (differences(old, rows).length > 0) {
  console.error(["The README's table of hosts is out of date: npm --prefix test/system/hosts run table", ...differences(old, rows)].join('\n'))
  process.exitCode = 1
} else console.log(`The README's table of hosts agrees with ${fresh.length} results`)
