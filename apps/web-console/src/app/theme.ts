import {
  ActionIcon,
  Alert,
  Button,
  type CSSVariablesResolver,
  createTheme,
  type MantineColorsTuple,
  Modal,
  Tooltip,
} from '@mantine/core';

const WEFT: MantineColorsTuple = [
  '#eef0fc',
  '#dadef6',
  '#b3baea',
  '#8a95de',
  '#6875d4',
  '#5361ce',
  '#4452c9',
  '#3744b0',
  '#303c9c',
  '#263188',
];

const DARK: MantineColorsTuple = [
  '#d6dae3',
  '#b3b9c6',
  '#8d95a5',
  '#646c7d',
  '#343b49',
  '#2a303c',
  '#1d222b',
  '#14181f',
  '#0f1218',
  '#0a0d12',
];

/** Dense by default: an operator looks at tables all day. */
export const theme = createTheme({
  primaryColor: 'weft',
  primaryShade: { light: 6, dark: 5 },
  colors: { weft: WEFT, dark: DARK },
  fontFamily: "Inter, ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  defaultRadius: 'sm',
  radius: { sm: '0.375rem' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    ActionIcon: ActionIcon.extend({ defaultProps: { variant: 'subtle', color: 'gray', size: 'md' } }),
    Alert: Alert.extend({ defaultProps: { radius: 'sm' } }),
    Button: Button.extend({ defaultProps: { size: 'sm' } }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        padding: 'lg',
        overlayProps: { backgroundOpacity: 0.4 },
        transitionProps: { duration: 120, transition: 'fade' },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, withArrow: false, fz: 'xs' } }),
  },
});

/** The console's own names for surfaces and states, per colour scheme. Values live in console.css. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: { '--mantine-color-body': '#ffffff', '--mantine-color-text': '#1b2230', '--mantine-color-dimmed': '#5d6778' },
  dark: { '--mantine-color-body': '#14181f', '--mantine-color-text': '#d6dae3', '--mantine-color-dimmed': '#8d95a5' },
});
