/**
 * Packs the package and looks at the tarball as its users will: publint, are-the-types-wrong, what is in it, where its
 * pages lead, what is installed with it, every entry imported by plain Node 24 and 22 with and without the optional peers, the types read
 * without `skipLibCheck`, the command run, small programs bundled.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { checkBundles } from "./package/Bundle.ts"
import { checkClosed, checkMaps } from "./package/Contents.ts"
import { checkInstalled, checkReasons } from "./package/Dependencies.ts"
import { checkLinks } from "./package/Links.ts"
import { bin, inProject, install, kilobytes, root, run, sizeOf } from "./package/Run.ts"

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const entries = Object.keys(manifest.exports).filter((name) => name !== "./package.json")
  .map((name) => `${manifest.name}${name.slice(1)}`)
const effect = `effect@${manifest.devDependencies.effect}`
const optional = Object.keys(manifest.peerDependenciesMeta)

/** Imports each entry in a process of its own and answers the names that it exports. */
const checkEntries = (project: string, node: string): void => {
  for (const entry of entries) {
    const script = `console.log(process.version, Object.keys(await import("${entry}")).join(" "))`
    const [version, ...names] = run(node, ["--input-type=module", "-e", script], project).trim().split(" ")
    if (names.length === 0) throw new Error(`${entry} exports nothing`)
    console.log(`${version} ${entry}: ${names.length} names`)
  }
}

/** The latest Node of the oldest line that `engines` allows. */
const oldestNode = (folder: string): string => {
  const major = /\d+/.exec(manifest.engines.node)![0]
  install(folder, `node@${major}`)
  return join(folder, "node_modules", "node", "bin", "node")
}

const checkCommand = (project: string, node: string): void => {
  const command = join(project, "node_modules", ".bin", manifest.name.replace("effect-", ""))
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env["PATH"]}` }
  const version = run(command, ["--version"], project, env).trim()
  if (version !== manifest.version) throw new Error(`the command says ${version}, not ${manifest.version}`)
  const login = join(project, "login")
  mkdirSync(login, { recursive: true })
  writeFileSync(join(login, "config.yml"), "access_token: fo1_example\n")
  const home = { PATH: env.PATH, HOME: project, FLY_CONFIG_DIR: login }
  const token = run(command, ["get", "my-app"], project, home).trim()
  if (token !== "fo1_example") throw new Error("the command does not get the token of the config file")
}

const checkTypes = (project: string): void => {
  writeFileSync(join(project, "user.ts"), entries.map((entry, n) => `export * as e${n} from "${entry}"`).join("\n"))
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        noEmit: true,
        strict: true,
        skipLibCheck: false,
        module: "nodenext",
        target: "es2023",
        types: ["node"]
      },
      files: ["user.ts"]
    })
  )
  run(join(project, "node_modules", ".bin", "tsc"), ["-p", "."], project)
}

const start = performance.now()
const step = (what: string): void =>
  console.log(`\n-- ${what} (after ${Math.round((performance.now() - start) / 1000)} s)`)

step("reasons for dependencies")
checkReasons()

await inProject(async (shelf) => {
  step("the tarball")
  const [packed] = JSON.parse(
    run("npm", ["pack", "--json", "--pack-destination", shelf], root).replace(/^[^[{]*/, "")
  )
  const tarball = join(shelf, packed.filename)
  const sizes = `${kilobytes(packed.size)} packed, ${kilobytes(packed.unpackedSize)} unpacked`
  console.log(`${packed.files.length} files, ${sizes}`)
  run(join(bin, "publint"), ["run", tarball, "--strict"], root)
  run(join(bin, "attw"), [tarball, "--profile", "esm-only"], root)

  await inProject(async (project) => {
    step("in a plain TypeScript project")
    install(project, tarball, effect)
    const modules = join(project, "node_modules")
    checkInstalled(project)
    const own = sizeOf(join(modules, manifest.name))
    const others = sizeOf(modules) - own - sizeOf(join(modules, "effect"))
    console.log(`installed: ${kilobytes(own)}, with it ${kilobytes(others)}, and Effect itself`)
    checkMaps(join(modules, manifest.name))
    checkLinks(join(modules, manifest.name))
    checkClosed(manifest.name, project)
    checkEntries(project, process.execPath)
    checkCommand(project, process.execPath)
    step("in bundles")
    await checkBundles(project)
    step("its types, without skipLibCheck")
    install(
      project,
      `typescript@${manifest.devDependencies.typescript}`,
      `@types/node@${manifest.devDependencies["@types/node"]}`
    )
    checkTypes(project)
  })

  await inProject((project) => {
    step("without the optional peers, on the oldest Node")
    // npm installs peers of dependencies that are not optional there; other package managers need not.
    install(project, "--legacy-peer-deps", tarball, effect)
    for (const name of optional) {
      if (existsSync(join(project, "node_modules", name))) throw new Error(`${name} is there`)
    }
    const node = oldestNode(shelf)
    checkEntries(project, node)
    checkCommand(project, node)
  })
})
step("done")
