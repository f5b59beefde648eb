/** The zones of the code: imports point down, and never in a circle. Run by `npm run check`. */

/** Folders of src/ from the top down; each may import those after it, and itself. */
const layers = [
  // The command line of operators is a process of its own, as the server and the worker are.
  ['src/server.ts', 'src/worker.ts', 'src/cli'],
  ['src/wire.ts', 'src/app.ts', 'src/http-server.ts'],
  ['src/routes', 'src/jobs'],
  ['src/middleware'],
  ['src/services'],
  ['src/repositories', 'src/providers', 'src/notifications'],
  ['src/db'],
  ['src/config.ts', 'src/process.ts', 'src/log.ts'],
  ['src/contracts'],
  ['src/domain'],
];

const pathOf = (names) => `^(${names.map((name) => name.replace('.', '\\.')).join('|')})(/|$)`;

const noUpwardImports = layers.slice(1).map((names, index) => ({
  name: `no-upward-import-from-${names[0].replace('src/', '')}`,
  comment: 'Imports point down: see ARCHITECTURE.md.',
  severity: 'error',
  from: { path: pathOf(names) },
  to: { path: pathOf(layers.slice(0, index + 1).flat()) },
}));

export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Not even for a type.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...noUpwardImports,
    {
      name: 'services-do-not-know-http',
      severity: 'error',
      from: { path: '^src/(services|repositories|providers|notifications|db|domain|contracts)/' },
      to: { path: 'node_modules/(express|helmet|pino-http)/' },
    },
    {
      name: 'repositories-do-not-call-out',
      comment: 'A repository is SQL; it knows the database, the domain and nothing else.',
      severity: 'error',
      from: { path: '^src/repositories/' },
      to: { path: '^src/', pathNot: '^src/(repositories|db|domain)/' },
    },
    {
      name: 'domain-is-pure',
      comment: 'Rules and words only: zod is all it imports.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: '\\.test\\.ts$' },
      to: { path: '.', pathNot: '^(src/domain/|node_modules/zod/)' },
    },
    {
      name: 'contracts-are-shared',
      severity: 'error',
      from: { path: '^src/contracts/', pathNot: '\\.test\\.ts$' },
      to: { path: '.', pathNot: '^(src/(domain|contracts)/|node_modules/zod/)' },
    },
    {
      name: 'web-sees-only-contracts',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^(src|local|emulators)/', pathNot: '^src/(contracts|domain)/' },
    },
    {
      name: 'product-does-not-need-the-demo',
      comment: 'Nothing that runs in production imports a stand-in, a launcher or a test.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(emulators|local|test|web)/' },
    },
    {
      name: 'emulators-stand-alone',
      comment: 'Their books must not share a mistake with ours.',
      severity: 'error',
      from: { path: '^emulators/' },
      to: { path: '^(src|local|test|web)/' },
    },
    {
      name: 'midtrans-client-has-one-door',
      severity: 'error',
      from: { pathNot: '^(src/providers/midtrans/client\\.ts|emulators/midtrans/.*\\.test\\.ts)$' },
      to: { path: 'node_modules/midtrans-client/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    // TypeScript 7 has no API yet for tools; swc reads the imports, those of types included.
    parser: 'swc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
