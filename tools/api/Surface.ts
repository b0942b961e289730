/**
 * The public surface of the built package: what each entry exports, with its declarations as `tsc` wrote them.
 */
import { join, relative } from "node:path"
import ts from "typescript"
import { entries, root } from "./Entries.ts"

const dist = join(root, "dist")

const program = ts.createProgram(entries.map(({ declarations }) => declarations), {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ["node"],
  typeRoots: [join(root, "node_modules", "@types")],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true
})
const checker = program.getTypeChecker()
const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed })

const resolve = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

const isOurs = (node: ts.Node): boolean => !relative(dist, node.getSourceFile().fileName).startsWith("..")

/** A name that an entry exports: itself, or where it is exported already. */
export interface Export {
  readonly path: string
  readonly declarations: ReadonlyArray<string>
  readonly same: string | undefined
}

/** A name that a declaration uses and no entry exports. */
export interface Unnamed {
  readonly name: string
  readonly by: string
}

const exported = new Map<ts.Symbol, string>()

const membersOf = (symbol: ts.Symbol) =>
  [...checker.getExportsOfModule(symbol)].sort((a, b) => a.name < b.name ? -1 : 1)

const isModule = (symbol: ts.Symbol): boolean => symbol.declarations?.some(ts.isSourceFile) === true

const symbolOf = (node: ts.Node): ts.Symbol | undefined => {
  const symbol = checker.getSymbolAtLocation(node)
  return symbol === undefined ? undefined : resolve(symbol)
}

/** What is at the top of its file, in one of our files. */
const isTopLevel = (declaration: ts.Declaration): boolean => {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
  return !ts.isSourceFile(statement) && ts.isSourceFile(statement.parent) && isOurs(declaration)
}

const statementOf = (declaration: ts.Declaration): ts.Node =>
  ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration

const print = (declaration: ts.Declaration): string =>
  printer.printNode(ts.EmitHint.Unspecified, statementOf(declaration), declaration.getSourceFile())
    .replace(/^export declare /, "").replace(/^(export|declare) /, "")

/** The symbols of ours that a declaration mentions. */
const mentioned = (declaration: ts.Declaration): ReadonlyArray<ts.Symbol> => {
  const found = new Set<ts.Symbol>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const symbol = symbolOf(node)
      if (symbol?.declarations?.some(isTopLevel)) found.add(symbol)
    }
    ts.forEachChild(node, visit)
  }
  visit(statementOf(declaration))
  return [...found]
}

const isBase = (symbol: ts.Symbol): boolean => symbol.name.endsWith("_base")

/** What `class X extends Context.Service(…)` extends has no name in the source; `tsc` gives it one. */
const withBase = (declaration: ts.Declaration): ReadonlyArray<ts.Declaration> => [
  ...mentioned(declaration).filter(isBase).flatMap((symbol) => symbol.declarations ?? []),
  declaration
]

/** What only shapes another type: users see the outcome. */
const shapers: ReadonlySet<string> = new Set(["Plain"])

const unnamed = new Map<string, Unnamed>()

const read = (entry: string, moduleSymbol: ts.Symbol, prefix: string): ReadonlyArray<Export> =>
  membersOf(moduleSymbol).flatMap((alias): ReadonlyArray<Export> => {
    const symbol = resolve(alias)
    const path = `${prefix}${alias.name}`
    const known = exported.get(symbol)
    if (known !== undefined) return [{ path, declarations: [], same: known }]
    exported.set(symbol, `${entry}: ${path}`)
    if (isModule(symbol)) return read(entry, symbol, `${path}.`)
    const declarations = (symbol.declarations ?? []).flatMap(withBase)
    return [{ path, declarations: declarations.map(print), same: undefined }]
  })

export const surface: ReadonlyMap<string, ReadonlyArray<Export>> = new Map(
  entries.map(({ declarations: file, name }) => {
    const symbol = checker.getSymbolAtLocation(program.getSourceFile(file)!)
    if (symbol === undefined) throw new Error(`${relative(root, file)} is no module; run \`npm run build\``)
    return [name, read(name, symbol, "")]
  })
)

for (const [symbol, path] of exported) {
  if (isModule(symbol)) continue
  for (const declaration of (symbol.declarations ?? []).flatMap(withBase)) {
    for (const other of mentioned(declaration)) {
      if (!exported.has(other) && !isBase(other) && !shapers.has(other.name)) {
        unnamed.set(other.name, { name: other.name, by: path })
      }
    }
  }
}

/** Types that a user meets and cannot name. */
export const unnameable: ReadonlyArray<Unnamed> = [...unnamed.values()]
