// The report as Markdown.
import { machineLine } from '../machine.js'
import { behindLines } from './behind.js'
import { amount, costTexts, figure, goalText, mark, metricText } from './table.js'

/**
 * @param {import('../suite.js').Findings} findings
 * @param {readonly import('./plots.js').Plot[]} plots
 */
export function markdownOf(findings, plots) {
  const { machine, isQuick, runs, seconds, parts } = findings
  const rows = parts.flatMap((part) => part.rows)
  const held = rows.filter(({ isReached }) => isReached !== undefined)
  const reached = held.filter(({ isReached }) => isReached)
  return [
    '# What it costs',
    '',
    `${runs === 1 ? 'Of one' : `Of ${runs}`} ${isQuick ? 'quick' : 'full'} ${runs === 1 ? 'run' : 'runs'}, ${seconds} s: ${machineLine(machine)}.`,
    `${reached.length} of ${held.length} rows with a goal reach it. Ratios are medians of rounds in which all contenders took turns.`,
    runs === 1 ? 'Brackets hold the quartiles. Times are CPU time.' : 'Each row is from the middle run. Brackets hold the least and the most of the runs. Times are CPU time.',
    'What each row means is in [README.md](README.md).',
    ...plots.flatMap(({ file, caption }) => ['', `![${caption}](plots/${file})`, '', `*${caption}.*`]),
    ...behindLines(findings),
    ...parts.flatMap(partLines),
    '',
  ].join('\n')
}

function partLines(/** @type {{ title: string, rows: readonly import('../suite.js').Row[] }} */ { title, rows }) {
  const peers = [...new Set(rows.flatMap((row) => Object.keys(row.peers ?? {})))]
  const header = ['', 'measured', 'result', 'goal', 'beside', 'what it took', ...peers]
  return [
    '', `## ${title}`, '',
    line(header),
    line(header.map(() => '---')),
    ...rows.map((row) => line([
      mark(row).trim(),
      row.what,
      row.value === undefined ? '–' : `**${amount(row.value, row.unit)}**${quartiles(row)}`,
      row.goal === undefined ? '' : goalText(row.goal, row.unit),
      metricText(row),
      [...costTexts(row), ...(row.remark === undefined ? [] : [row.remark])].join('; '),
      ...peers.map((name) => (row.peers?.[name] === undefined ? '' : amount(row.peers[name], row.unit))),
    ])),
  ]
}

function quartiles(/** @type {import('../suite.js').Row} */ { low, high }) {
  return low === undefined || high === undefined || low === high ? '' : ` (${figure(low)}–${figure(high)})`
}

function line(/** @type {readonly string[]} */ cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
