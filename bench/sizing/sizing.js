// What goes through a cluster, by its size: `npm --prefix bench run sizing`. Counts are the same in every run. Memory is measured.
import { cpu } from './cpu.js'
import { memory } from './memory.js'
import { subjectLines } from './subjects.js'
import { CONTROL_HEAD, controlRow, INTEREST_HEAD, interestRow, NODES, number, table, unitsOfKinds } from './tables.js'

async function printed(/** @type {readonly string[]} */ head, /** @type {(nodes: number) => Promise<string[]>} */ rowOf) {
  const [title, line] = table(head, [])
  console.log(`${title}\n${line}`)
  for (const nodes of NODES) console.log(table(head, [await rowOf(nodes)]).at(-1))
  console.log('')
}

console.log('Texts that a node gets within a second in which 4,000 messages of 1,000 channels are published, its probe included:\n')
await printed(INTEREST_HEAD, interestRow)
console.log('Texts that the broker delivers, with ten channels wanted by each node:\n')
await printed(CONTROL_HEAD, controlRow)
console.log('Bytes of a text:', Object.entries(await unitsOfKinds()).map(([kind, units]) => `${kind} ${number(units)}`).join(', '))
console.log('Bytes of the heap:', Object.entries(await memory()).map(([name, bytes]) => `${name} ${number(Math.round(bytes))}`).join(', '))
console.log('Microseconds of CPU:', Object.entries(await cpu()).map(([name, us]) => `${name} ${number(us)}`).join(', '))
for (const line of await subjectLines()) console.log('Bytes of a subject,', line)
