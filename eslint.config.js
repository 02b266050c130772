import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.sluice/', '.venvs/', 'test/fixtures/**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: false }],
      'max-lines-per-function': ['error', { max: 80, skipComments: true, IIFEs: false }],
      'max-params': ['error', 6],
      'max-depth': ['error', 4],
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only cli, running-flow, flows/load and observability/start read it.',
        },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    // What the SDK's own exporters read OTEL_EXPORTER_OTLP_* with: there is no other entry to it.
    files: ['observability/otlp-exporter.ts'],
    rules: {
      '@typescript-eslint/no-deprecated': [
        'error',
        {
          allow: [
            { from: 'package', package: '@opentelemetry/otlp-exporter-base', name: 'convertLegacyHttpOptions' },
            {
              from: 'package',
              package: '@opentelemetry/otlp-grpc-exporter-base',
              name: 'convertLegacyOtlpGrpcOptions',
            },
          ],
        },
      ],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: [
      'cli/**',
      'running-flow.ts',
      'flows/load.ts',
      'observability/start.ts',
      'test/**',
      'bench/**',
      'runtime/worker/main.ts',
      'scripts/**',
      'examples/**',
    ],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // node:test runs what describe and it return.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['describe', 'it', 'test'] }] },
      ],
      'max-lines-per-function': 'off',
    },
  },
);
