*** Settings ***
Documentation       What only a real board can show: an emulator's clock is not a crystal.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           irq    needs-link    hw-only


*** Test Cases ***
The Board's Clock Agrees With This Computer's
    Load Program    clock
    Start App
    Lines Should Be Apart    begin    end    2s    within=40ms
    Result Should Be    0
