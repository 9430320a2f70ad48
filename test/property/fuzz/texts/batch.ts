import { isUnpolluted, type Builtins } from '../builtins.ts'
import { Dice } from '../../../support/dice.ts'
import { described } from '../faults.ts'
import type { Complaint } from '../fuzzing/episode.ts'
import type { Tally } from '../fuzzing/tally.ts'
import { codeOfRefusal, PARSERS, type Parser } from './reading.ts'
import { WRITERS } from './writing.ts'

/** Texts of one batch: the same ones for the same seed. */
export const TEXTS_PER_BATCH = 10_000

/** Gives so many hostile texts to every parser, and returns the first complaint, if there is one. */
export function readTexts(seed: number, texts: number, tally: Tally, builtins: Builtins): Complaint | undefined {
  const dice = new Dice(seed)
  for (let i = 1; i <= texts; i++) {
    const text = WRITERS.draw(dice)(dice)
    tally.texts++
    const complaint = PARSERS.map((parser) => complaintOf(parser, text, tally)).find((each) => each !== undefined)
    if (complaint !== undefined) return { ...complaint, calls: i }
  }
  const [objection] = builtins.objections()
  return objection === undefined ? undefined : { kind: objection, detail: '', calls: texts }
}

function complaintOf(parser: Parser, text: string, tally: Tally): Omit<Complaint, 'calls'> | undefined {
  const name = `text: ${parser.name}`
  const { value, thrown } = parser.read(text)
  const objections: string[] = []
  const expect = (holds: boolean, objection: string): void => void (holds || objections.push(objection))
  if (value !== undefined) accept(parser, value, text, expect)
  else if (codeOfRefusal(thrown) === undefined) objections.push(`throws what it must not:\n${described(thrown)}`)
  expect(isUnpolluted(), 'Object.prototype has something enumerable')
  if (value !== undefined) tally.accept(name)
  else tally.refuse(name, codeOfRefusal(thrown) ?? 'OTHER')
  const [objection] = objections
  return objection === undefined ? undefined : { kind: `${name}: ${objection.split('\n')[0]}`, detail: `${JSON.stringify(text).slice(0, 400)}\n${objection}` }
}

function accept(parser: Parser, value: unknown, text: string, expect: (holds: boolean, objection: string) => void): void {
  try {
    parser.check(value, text, expect)
  } catch (error) {
    expect(false, `what it accepted cannot be used\n${described(error)}`)
  }
}
