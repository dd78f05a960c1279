*** Settings ***
Documentation       A storm by the board's own timer, of a program in the firmware image, and how long raises waited. In virtual
...                 time, so that no other program's load can lengthen it.
Resource            ${KEYWORDS}
Suite Setup         Start Board    ${STORM_ELF}
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           virtual-time


*** Test Cases ***
A Storm By The Board's Own Timer Neither Loses A Raise Nor Changes A Result
    Wait For Line On Uart    computing
    Wait For Line On Uart    undisturbed, handled 1\\d{4} in \\d+ rounds    treatAsRegex=true    timeout=30
    Wait For Line On Uart    app ended with 0
    Wait For Prompt On Uart    wirq>
    Write Line To Uart    irq list
    Wait For Line On Uart    3 +soft0 .* 1\\d{4} +[1-9]\\d* +0 +0 +    treatAsRegex=true

No Raise Waited For Longer Than Half A Millisecond
    [Documentation]    An emulator may let its devices catch up with the processor only so often; every 100 us is usual.
    Write Line To Uart    irq list
    Wait For Line On Uart    3 +soft0 .* +0 +0 +([1-4]?\\d?\\d)\\s*$    treatAsRegex=true
