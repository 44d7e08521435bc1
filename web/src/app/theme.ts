import { createTheme, Drawer, Menu, Modal, Popover, Tooltip } from '@mantine/core';

/**
 * What Mantine's components are like here. Colours and sizes are custom properties in style/tokens.css, because the policy of
 * the page lets no script write a style sheet; for the same reason nothing locks the scrolling behind a dialog.
 */
export const theme = createTheme({
  primaryColor: 'blue',
  primaryShade: { light: 6, dark: 8 },
  defaultRadius: 6,
  cursorType: 'pointer',
  components: {
    Modal: Modal.extend({ styles: { title: { fontWeight: 640, fontSize: '1rem' } }, defaultProps: { lockScroll: false, transitionProps: { duration: 120 }, overlayProps: { backgroundOpacity: 0.4 } } }),
    Drawer: Drawer.extend({ styles: { title: { fontWeight: 640, fontSize: '1rem' } }, defaultProps: { lockScroll: false, transitionProps: { duration: 160 }, overlayProps: { backgroundOpacity: 0.4 } } }),
    Menu: Menu.extend({ defaultProps: { shadow: 'md', transitionProps: { duration: 90 } } }),
    Popover: Popover.extend({ defaultProps: { shadow: 'md', transitionProps: { duration: 90 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 350, transitionProps: { duration: 90 }, withArrow: true } }),
  },
});
