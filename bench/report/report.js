import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { markdownOf } from './markdown.js'
import { plotsOf } from './plots.js'
import { quoting } from './quotes.js'

const BENCH = new URL('../', import.meta.url)
const PAGE = new URL('README.md', BENCH)

/** Writes REPORT.md and its plots, in place of those that are there. */
export async function writeReport(/** @type {import('../suite.js').Findings} */ findings, folder = BENCH) {
  const plots = await plotsOf(findings)
  const plotsFolder = new URL('plots/', folder)
  rmSync(plotsFolder, { recursive: true, force: true })
  mkdirSync(plotsFolder)
  for (const { file, svg } of plots) writeFileSync(new URL(file, plotsFolder), `${svg}\n`)
  writeFileSync(new URL('REPORT.md', folder), markdownOf(findings, plots))
}

/** Renews what bench/README.md quotes. The findings must have all of it. */
export function writeQuotes(/** @type {import('../suite.js').Findings} */ findings, file = PAGE) {
  writeFileSync(file, quoting(readFileSync(file, 'utf8'), findings))
}
