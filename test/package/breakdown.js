// Prints which files of src the bytes of a bundle come from, minified: of the whole library, or of the names that are given.
import { bundled } from './bundle.js'
import { NAME } from './pack.js'

const names = process.argv.slice(2)
const { sources } = await bundled('esbuild', `export ${names.length === 0 ? '*' : `{ ${names.join(', ')} }`} from '${NAME}'`)
const total = [...sources.values()].reduce((sum, bytes) => sum + bytes, 0)

for (const [source, bytes] of sources) console.log(`${String(bytes).padStart(7)} ${percent(bytes).padStart(6)}  ${source}`)
console.log(`${String(total).padStart(7)}         in all`)

function percent(/** @type {number} */ bytes) {
  return `${((100 * bytes) / total).toFixed(1)} %`
}
